/**
 * Verifiers that PostgreSQL made: `ALTER ROLE t PASSWORD …` with the `scram_iterations` seen in them,
 * then `SELECT rolpassword FROM pg_authid`, on PostgreSQL 18.
 */

/** What PostgreSQL stores for the password `pencil`. */
export const PENCIL_VERIFIERS = [
  "SCRAM-SHA-256$4096:Z6b0Y/j8HdjQbLnX918iIQ==$YVK4WQLjJh5yly5h7Ln6NeZPPXs+Q9FR/TYO5VFweIk=:nPRb0FmZhvU7X0Yxhd/cZzy08xVGpfoAJPxRJPap0U0=",
  "SCRAM-SHA-256$10000:uCTh4g26iKIWi6cqRsh8hQ==$AYgQxsFJac9tJvewHuUCbJAh7BdHGT2+jUn8Yjk/eiY=:NssnsBxLyj4sfy6eWCuxAzlq40sXs5JlldM9GYNV+OA=",
  "SCRAM-SHA-256$1:nZYIB0mzDD352DXS0guwgg==$A1GOOo3rFCe5uIMEfkDjgBI1n9IssRVDG5pcgO0SuIw=:p8s256oflz820d7R1H/FdsN8SRfsW8WFQD5EdMhFqyo=",
] as const;

/** What PostgreSQL stores for the password `pencil` of the role `t`. */
export const PENCIL_MD5_VERIFIER = "md531dcc6c3366b993fb4b6c619e63776f2";

/** Passwords for which SASLprep matters, and what PostgreSQL stores for them. */
export const PREPARED_PASSWORDS = [
  {
    behaviour: "drops a soft hyphen and composes a roman numeral",
    password: "I\u00adX \u2168",
    prepared: "IX IX",
    verifier:
      "SCRAM-SHA-256$1:VgwZoO2TGQIYAgamQDn0wg==$Ah587fjAbBy1WK2fzu/Ro2wcpA1BDEwA7XTMqJK9Bew=:bd4M5Xrxe5Fiq0nWq+9kjVvB2K/5YJIU/kGkFKJyyXo=",
  },
  {
    behaviour: "maps a no-break space to a space",
    password: "a\u00a0b",
    prepared: "a b",
    verifier:
      "SCRAM-SHA-256$1:zYKebO3JAdau2KBdcUL0Rg==$lxsCECqQT8lGoKddP2RTS/A+SziMwxQ37asxMT3DLW4=:yci4Y2tigI5c5mi63TnRgEFKrBZJKHfMIJSB6y0mG0w=",
  },
  {
    behaviour: "normalizes text that goes from right to left",
    password: "\ufb2a1\u05d0",
    prepared: "\u05e9\u05c11\u05d0",
    verifier:
      "SCRAM-SHA-256$1:9a5gh+O1D8jZSdKuwCzwlw==$+D09JchIDQeFkcsvy20jvs1zTocEEqE+jc8kurNQ1/k=:TXEXe3S56HBdX15ekfHYaXvezHbHuO9J5P089wFtMXw=",
  },
  {
    behaviour: "drops a byte order mark at the beginning",
    password: "\ufeff\u00e9",
    prepared: "\u00e9",
    verifier:
      "SCRAM-SHA-256$1:TXrQ8dpHu8KTRma4oHAmXg==$xn0kYV9hihG3RpAhshytMeaI53/7QQpY6lFU2wBjEnc=:eSPBDRSsjY+wLwmCiR4u2qz83R3EgOGbKY8GQGmdNfI=",
  },
] as const;

/** Passwords that SASLprep would change but must not touch, and what PostgreSQL stores for them. */
export const UNPREPARED_PASSWORDS = [
  {
    reason: "has a control character beside others",
    password: "\u00e9\u0007\u00aa",
    verifier:
      "SCRAM-SHA-256$1:oQaZmbEtTzlbzm8p/MXNiQ==$j6MMUa+itT5NBpktojKWawA7/qWtej3MGgOshCwVOog=:7X9HINP01i6xxwfVlOCPAq7t3hyvIpCeqJxxTMGWTb0=",
  },
  {
    reason: "has a character that Unicode 3.2 had not assigned",
    password: "\u{1f511}\u00aa",
    verifier:
      "SCRAM-SHA-256$1:Z2N4qHEnactSIpl1P8clvA==$815MnDyLEnoxkmLaXW6+QXHqoIFBAl2Jr/o6GAx8S6w=:C6e9hpEQgB0GtaQNmT10OIAHY7Ygwqf2op1AMruVqrg=",
  },
  {
    reason: "mixes directions of writing",
    password: "\u06271\u00aa",
    verifier:
      "SCRAM-SHA-256$1:HNPJSSF61UuNVcINJTeIRg==$CryRCQVznOl/aMB1p+y6xI7iSOiBpekKeAeCdmDbclA=:Zzw26UXGDn/AjUVPFbqrt/l/xKZDFDyjE3r8JliX7W8=",
  },
  {
    reason: "would be left empty",
    password: "\u00ad",
    verifier:
      "SCRAM-SHA-256$1:9aXFuVOfu1lj3Gk+NKIseA==$LVfrwTajlnNRVDxfNGrZ/veT+FX8Em5MN2FMtzyVxfA=:XzY4qLsxLH9QdTbjbfJ4QI4nFsijbglx8OYbkcwqG98=",
  },
  {
    reason: "has a prohibited character that normalization would replace",
    password: "a\u0340",
    verifier:
      "SCRAM-SHA-256$1:aRjWQ1v4o7vhE8us5MeVXw==$ymWgOIWP9nCHpQ8eIuWTtao3+IOIirYqL44UWB6xw1g=:DzfjJFq0Byi+1j/XPgoHup2zy40cyW7vU4Vn9CIeypY=",
  },
  {
    reason: "is of ASCII, even with a control character",
    password: "a\u0007b",
    verifier:
      "SCRAM-SHA-256$1:svyzceEvXLntRioYjOVK1Q==$2Tt6Cj6ktvbcJV2XQohioMkJMeVpXHC7+xjvKLCUYWs=:G8qCbaFSaRbucxhdqspSNlcyfLM+cgT12HySad4xU0A=",
  },
] as const;

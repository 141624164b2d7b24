/**
 * The codes that stand where a StartupMessage has its version: "1234" in the upper 16 bits, which no
 * protocol will be.
 */
export const REQUEST_CODE = {
  CancelRequest: 80877102,
  SSLRequest: 80877103,
  GSSENCRequest: 80877104,
} as const;

/**
 * Why Carpool does not start, for the person at the terminal.
 */

/** A port is taken. Names the setting that chooses it. */
export class PortTakenError extends Error {
  override readonly name = "PortTakenError";
  readonly setting: string;

  constructor(setting: string, hostname: string, port: number) {
    super(
      `${setting}: port ${port} on ${hostname} is taken by another process; choose another with ${setting}=PORT`,
    );
    this.setting = setting;
  }
}

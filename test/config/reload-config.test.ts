import { expect, test } from "bun:test";
import { loadConfig } from "../../src/config/load-config.ts";
import { reloadConfig } from "../../src/config/reload-config.ts";

function configOf(text: string) {
  const loaded = loadConfig({ env: {}, file: { name: "carpool.yaml", text } });
  if (!loaded.ok) throw new Error(loaded.problems.join("\n"));
  return loaded.config;
}

test("takes over what may change while running", () => {
  const { config, restartNames } = reloadConfig(configOf(""), configOf("server_lifetime: 2h"));
  expect(config).toEqual({ ...configOf(""), serverLifetimeMs: 7_200_000 });
  expect(restartNames).toEqual([]);
});

test("keeps what needs a restart, and names it", () => {
  const next = configOf("log_level: debug\nport: 4001\nlisten_address: [127.0.0.1]");
  const { config, restartNames } = reloadConfig(configOf(""), next);
  expect(config).toEqual({ ...configOf(""), logLevel: "debug" });
  expect(restartNames).toEqual(["PORT", "LISTEN_ADDRESS"]);
});

test("names nothing where nothing has changed", () => {
  const text = "listen_address: [127.0.0.1, 127.0.0.2]";
  expect(reloadConfig(configOf(text), configOf(text)).restartNames).toEqual([]);
});

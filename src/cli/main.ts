#!/usr/bin/env bun
/**
 * The `carpool` command: argv to verb.
 */

import { Command } from "commander";

const program = new Command("carpool").description("A multi-tenant PostgreSQL connection pooler");
await program.parseAsync(process.argv);

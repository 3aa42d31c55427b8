/** The proxy as a process of its own, for tests that send it signals. */
import { main } from "../../src/main.ts";

process.exit(await main(process.argv.slice(2), process.env));

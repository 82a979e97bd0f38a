import { parseArgs } from 'node:util';
import { UpdateError, updateDefinitions } from './update-definitions.ts';
import { verifyDefinitions } from './verify-definitions.ts';

const usage = `Usage: node test/crds/update.ts [--modules] [--pin] [--server URL] | --verify

Fetches the upstream definitions that upstream.json names into testdata/upstream, with an index of their versions and
sources: all of them, or none. Those that come from Go modules are fetched by "go mod download", which has to be there.
--modules fetches only these. --pin writes the checksums of those that have none yet. --verify only checks the table,
and what is there, without network.`;

const { values } = parseArgs({
  options: {
    verify: { type: 'boolean' },
    modules: { type: 'boolean', default: false },
    pin: { type: 'boolean', default: false },
    server: { type: 'string' },
    help: { type: 'boolean', short: 'h' },
  },
});
const folder = import.meta.dirname;

if (values.help) console.log(usage);
else if (values.verify) {
  const { mistakes, missing, count } = await verifyDefinitions(folder);
  for (const mistake of mistakes) console.error(mistake);
  if (missing.length > 0) console.log(`not fetched here (our own stand in for them): ${missing.join(', ')}`);
  console.log(`${count} upstream definitions, ${mistakes.length} mistakes`);
  if (mistakes.length > 0) process.exitCode = 1;
} else {
  try {
    const { pin, modules, server } = values;
    const options = { folder, pin, onlyModules: modules, ...(server !== undefined && { server }) };
    const entries = await updateDefinitions(options);
    console.log(`${entries.length} definitions written`);
  } catch (error) {
    if (!(error instanceof UpdateError)) throw error;
    console.error(error.message);
    process.exitCode = 1;
  }
}

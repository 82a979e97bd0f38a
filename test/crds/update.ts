import { parseArgs } from 'node:util';
import { UpdateError, updateDefinitions, verifyDefinitions } from './update-definitions.ts';

const usage = `Usage: node test/crds/update.ts [--verify] [--pin] [--server URL]

Fetches the upstream definitions that upstream.json names into testdata/upstream, with an index of their versions and
sources. --pin writes the checksums of those that have none yet; --verify only checks what is there, without network.`;

const { values } = parseArgs({
  options: {
    verify: { type: 'boolean' },
    pin: { type: 'boolean' },
    server: { type: 'string' },
    help: { type: 'boolean', short: 'h' },
  },
});
const folder = import.meta.dirname;

if (values.help) console.log(usage);
else if (values.verify) {
  const { mistakes, missing, count } = await verifyDefinitions(folder);
  for (const mistake of mistakes) console.error(mistake);
  if (missing.length > 0) console.log(`never fetched (our own stand in for them): ${missing.join(', ')}`);
  console.log(`${count} definitions, ${mistakes.length} mistakes`);
  if (mistakes.length > 0) process.exitCode = 1;
} else {
  try {
    const { pin = false, server } = values;
    const entries = await updateDefinitions({ folder, pin, ...(server !== undefined && { server }) });
    console.log(`${entries.length} definitions written`);
  } catch (error) {
    if (!(error instanceof UpdateError)) throw error;
    console.error(error.message);
    process.exitCode = 1;
  }
}

// Preloaded with NODE_OPTIONS=--import=…: writes to $LOADED_MODULES what a program has loaded when it ends.
import { writeFileSync } from 'node:fs';
import { registerHooks } from 'node:module';

const loaded = new Set();
registerHooks({
  load(url, context, nextLoad) {
    loaded.add(url);
    return nextLoad(url, context);
  },
});
process.on('exit', () => writeFileSync(process.env.LOADED_MODULES, [...loaded, ...process.moduleLoadList].join('\n')));

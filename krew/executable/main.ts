import { getAsset, getRawAsset } from 'node:sea';
import { Script } from 'node:vm';

declare const require: NodeJS.Require;

// What an executable starts with: the plugin's bundle, and the code that V8 has made of it where there is some. A cache
// that V8 doesn't take costs time and nothing else.
const cachedData = new Uint8Array(getRawAsset('plugin.cache') as ArrayBuffer);
const script = new Script(getAsset('plugin.cjs', 'utf8'), {
  filename: 'plugin.cjs',
  ...(cachedData.length > 0 && { cachedData }),
});
script.runInThisContext()(require);

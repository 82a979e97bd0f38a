import { digests } from './_digests.ts';

// For another Node, which doesn't run our sources as they are.
console.log(JSON.stringify(digests()));

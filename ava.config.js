import { availableParallelism } from 'node:os';

export default {
  files: ['test/{unit,integration,e2e}/**/*.ts', '!test/**/{helpers,fixtures}/**'],
  extensions: ['ts'],
  // A process a file, not a thread: when it ends, for whatever reason, the control plane it started ends with it.
  workerThreads: false,
  concurrency: Math.max(2, availableParallelism()),
  timeout: '3m',
};

#!/usr/bin/env node
import { readFileSync, statSync } from 'node:fs';
import { hostname } from 'node:os';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import packageJson from '../package.json' with { type: 'json' };
import { CatalogError } from '../shared/catalog/catalog-error.ts';
import { loadCatalog } from '../shared/catalog/load-catalog.ts';
import { readCatalogFiles } from '../shared/catalog/read-catalog-files.ts';
import { loadKubeconfig } from '../shared/kube/kubeconfig.ts';
import { KubeconfigError } from '../shared/kube/kubeconfig-error.ts';
import { Controller } from './controller.ts';
import { imagesOf } from './images-of.ts';
import { createLog } from './log.ts';
import { type ProgramOptions, parseProgramOptions, programHelp, UsageError } from './program-options.ts';
import { BindAddressError } from './servers/bind-address.ts';

/** The program: the only place of the controller that reads the environment, prints, or sets an exit code. */
async function main(): Promise<number> {
  const options = parseProgramOptions(process.argv.slice(2), process.env);
  const version = `v${packageJson.version}`;
  if (options.help || options.version) {
    process.stdout.write(options.help ? programHelp() : `${version}\n`);
    return 0;
  }
  const catalog = loadCatalog(await readCatalogFiles(catalogFolder(options)));
  if (catalog.assets.length === 0) throw new UsageError(`--catalog=${options.catalog} holds no assets (NAME.yaml.hbs)`);
  const connection = loadKubeconfig({ env: process.env, kubeconfig: options.kubeconfig });
  const log = createLog({
    level: options.logLevel,
    format: options.logFormat,
    write: (line) => process.stderr.write(line),
    date: Date.now,
  });

  const stopping = new AbortController();
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.on(signal, () => {
      // A second signal is somebody's last word.
      if (stopping.signal.aborted) process.exit(1);
      log.info('stopping', { signal });
      stopping.abort(new Error(`stopped by ${signal}`));
    });
  }
  const namespace = process.env.POD_NAMESPACE || ownNamespace() || options.namespace || 'openshift-cnv';
  const controller = new Controller(catalog, connection, {
    version,
    instance: process.env.POD_NAME || hostname(),
    images: imagesOf(process.env),
    observe: options.observe,
    concurrency: options.concurrency,
    resyncPeriodMs: options.resyncPeriodMs,
    log,
    servers: {
      metrics: options.metricsBindAddress,
      healthProbe: options.healthProbeBindAddress,
      debug: options.debugBindAddress,
    },
    ...(options.namespace !== undefined && { namespace: options.namespace }),
    ...(options.leaderElect && {
      leaderElection: { namespace, times: options.leaderTimes },
    }),
  });
  log.info('starting', { version, catalog: catalog.digest, assets: catalog.assets.length, server: connection.server });
  await controller.run(stopping.signal);
  log.info('stopped');
  return 0;
}

function catalogFolder({ catalog }: ProgramOptions): string {
  if (catalog === undefined) return fileURLToPath(new URL('../assets', import.meta.url));
  if (statSync(catalog, { throwIfNoEntry: false })?.isDirectory()) return resolve(catalog);
  throw new UsageError(`--catalog=${catalog} is no folder`);
}

/** A pod's own namespace, as its ServiceAccount has it. */
function ownNamespace(): string | undefined {
  try {
    return readFileSync('/var/run/secrets/kubernetes.io/serviceaccount/namespace', 'utf8').trim();
  } catch {
    return undefined;
  }
}

try {
  process.exitCode = await main();
} catch (error) {
  const isExpected =
    error instanceof UsageError ||
    error instanceof KubeconfigError ||
    error instanceof CatalogError ||
    error instanceof BindAddressError;
  const message =
    error instanceof Error ? (isExpected ? error.message : (error.stack ?? error.message)) : String(error);
  process.stderr.write(`error: ${message}\n`);
  process.exitCode = 2;
}

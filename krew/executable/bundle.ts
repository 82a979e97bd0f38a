import path from 'node:path';
import { type BuildOptions, build, type Plugin } from 'esbuild';
import type { BuildInfo } from '../../plugin/build-info.ts';

const root = path.resolve(import.meta.dirname, '../..');

/**
 * The plugin and all that it imports as one text: a function that is given `require`, in which a module runs when it is
 * first imported. It names no folder of this machine, so that it is the same wherever it is made.
 */
export async function bundlePlugin(buildInfo: BuildInfo): Promise<string> {
  return await bundle('plugin/main.ts', {
    banner: {
      js: "(function(require){const importMetaUrl=require('node:url').pathToFileURL(process.execPath).href;",
    },
    footer: { js: '})' },
    define: { VIRT_PLATFORM_BUILD: JSON.stringify(buildInfo), 'import.meta.url': 'importMetaUrl' },
    // A script that is run from a text has no import() of its own.
    supported: { 'dynamic-import': false },
    plugins: [packagedModules],
  });
}

/** What starts it. */
export async function bundleMain(): Promise<string> {
  return await bundle('krew/executable/main.ts');
}

async function bundle(entry: string, options: BuildOptions = {}): Promise<string> {
  const { outputFiles = [] } = await build({
    entryPoints: [entry],
    absWorkingDir: root,
    bundle: true,
    write: false,
    platform: 'node',
    format: 'cjs',
    target: 'node26',
    // A dependency is named as it is imported, not by where a link leads.
    preserveSymlinks: true,
    minifySyntax: true,
    minifyWhitespace: true,
    legalComments: 'none',
    logLevel: 'error',
    ...options,
  });
  const [output] = outputFiles;
  if (output === undefined || outputFiles.length > 1) throw new Error(`The bundle of ${entry} should be one file`);
  return output.text;
}

/** Modules that a package has another one for, by their path here or their name. */
const packaged: Readonly<Record<string, string>> = {
  'plugin/input/built-in-catalog.ts': 'krew/executable/built-in-catalog.ts',
  'shared/catalog/cel-library.ts': 'krew/executable/cel-library.ts',
  'node_modules/yargs/lib/platform-shims/esm.mjs': 'krew/executable/no-platform.ts',
  'node:crypto': 'krew/executable/lazy-crypto.ts',
};

const packagedModules: Plugin = {
  name: 'packaged modules',
  setup({ onResolve, onEnd }) {
    const missing = new Set(Object.keys(packaged));
    onResolve({ filter: /^(\.\.?\/|node:)/ }, ({ path: imported, resolveDir, kind }) => {
      if (kind === 'require-call') return undefined;
      const module = imported.startsWith('.') ? path.relative(root, path.join(resolveDir, imported)) : imported;
      const instead = packaged[module.replaceAll('\\', '/')];
      if (instead === undefined) return undefined;
      missing.delete(module);
      return { path: path.join(root, instead) };
    });
    onEnd(() => ({ errors: [...missing].map((module) => ({ text: `Nothing imports ${module} any more` })) }));
  },
};

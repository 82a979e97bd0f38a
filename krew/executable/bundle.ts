import path from 'node:path';
import { build, type Plugin } from 'esbuild';
import type { BuildInfo } from '../../plugin/build-info.ts';

const root = path.resolve(import.meta.dirname, '../..');

/**
 * The plugin and all that it imports as one CommonJS file, in which a module runs when it is first imported. It names
 * no folder of this machine, so that it is the same wherever it is made.
 */
export async function bundlePlugin(build_: BuildInfo): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: ['plugin/main.ts'],
    absWorkingDir: root,
    bundle: true,
    write: false,
    platform: 'node',
    format: 'cjs',
    target: 'node26',
    minifySyntax: true,
    minifyWhitespace: true,
    legalComments: 'none',
    logLevel: 'error',
    define: { VIRT_PLATFORM_BUILD: JSON.stringify(build_), 'import.meta.url': 'importMetaUrl' },
    banner: { js: "const importMetaUrl=require('node:url').pathToFileURL(process.execPath).href;" },
    plugins: [packagedModules],
  });
  const [output] = outputFiles;
  if (output === undefined || outputFiles.length > 1) throw new Error('The bundle should be one file');
  return output.text;
}

/** Modules that a package has another one for. */
const packaged: Readonly<Record<string, string>> = {
  'plugin/input/built-in-catalog.ts': 'krew/executable/built-in-catalog.ts',
  'shared/catalog/cel-library.ts': 'krew/executable/cel-library.ts',
  'node_modules/yargs/lib/platform-shims/esm.mjs': 'krew/executable/no-platform.ts',
};

const packagedModules: Plugin = {
  name: 'packaged modules',
  setup({ onResolve, onEnd }) {
    const missing = new Set(Object.keys(packaged));
    onResolve({ filter: /^\.\.?\// }, ({ path: imported, resolveDir }) => {
      const file = path.relative(root, path.join(resolveDir, imported)).replaceAll('\\', '/');
      const instead = packaged[file];
      if (instead === undefined) return undefined;
      missing.delete(file);
      return { path: path.join(root, instead) };
    });
    onEnd(() => ({ errors: [...missing].map((file) => ({ text: `Nothing imports ${file} any more` })) }));
  },
};

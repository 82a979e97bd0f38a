import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import type { ProductionPackage } from './production-packages.ts';

export type LicenceNoticeOptions = {
  /** Where the packages are installed. */
  readonly root: string;
  readonly node: { readonly version: string; readonly license: string };
};

/**
 * The licences of others' work that a package of ours holds: of each dependency, and of Node with all that is in it.
 *
 * @throws Error for a package whose licence can't be found: better no package than one without its authors' names
 */
export function licenceNotice(packages: readonly ProductionPackage[], { root, node }: LicenceNoticeOptions): string {
  const parts = packages.map((package_) => {
    const { name, version, license } = package_;
    return `${ruler}\n${name} ${version} (${license})\n${ruler}\n\n${licenceOf(package_, root)}\n`;
  });
  return [
    "virt-platform's own licence is in the file LICENSE. This is what it holds of others' work.\n",
    ...parts,
    `${ruler}\nNode.js ${node.version}, and what it holds itself\n${ruler}\n\n${tidy(node.license)}\n`,
  ].join('\n');
}

const ruler = '='.repeat(80);

/** Packages that have their licence at the top of a source file alone. */
const inSources: Readonly<Record<string, string>> = { '@bufbuild/protobuf': 'dist/esm/wire/varint.js' };

function licenceOf({ name, folder, license }: ProductionPackage, root: string): string {
  const files = readdirSync(path.join(root, folder)).filter((file) => /^(licen[cs]e|copying|notice)\b/i.test(file));
  const texts = files.sort().map((file) => tidy(readFileSync(path.join(root, folder, file), 'utf8')));
  const source = inSources[name];
  if (source !== undefined) texts.push(leadingComment(readFileSync(path.join(root, folder, source), 'utf8')));
  if (texts.length > 0) return texts.join('\n\n');
  if (license === 'Apache-2.0') return 'The Apache License 2.0, whose text is in the file LICENSE.';
  throw new Error(`${folder} has no licence file: find where its ${license} licence is, and name that file here.`);
}

function leadingComment(source: string): string {
  const lines = source.split('\n');
  const end = lines.findIndex((line) => !line.startsWith('//'));
  const comment = lines.slice(0, end).map((line) => line.replace(/^\/\/ ?/, ''));
  if (!/copyright/i.test(comment.join('\n'))) throw new Error('The source file no longer begins with its licence.');
  return tidy(comment.join('\n'));
}

function tidy(text: string): string {
  return text
    .replaceAll('\r\n', '\n')
    .replace(/[ \t]+$/gm, '')
    .trim();
}

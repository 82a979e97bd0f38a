import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { parseArgs } from 'node:util';
import packageJson from '../package.json' with { type: 'json' };

/**
 * What a release's page says: the changelog's section of that version, and how to install and verify what is there.
 *
 * @param tag - `v` and a version, which has to be the package's
 * @throws Error where the changelog has no such section, or the tag is of another version: then nothing is released
 */
export function releaseNotes(
  changelog: string,
  { tag, version, image }: { tag: string; version: string; image: string },
) {
  if (tag !== `v${version}`) {
    throw new Error(`The tag is ${tag} and package.json's version is ${version}: they have to be the same.`);
  }
  const files = `${packageJson.homepage}/blob/${tag}`;
  // In the changelog a link leads from beside it; the page of a release isn't beside anything.
  const section = sectionOf(changelog, version).replaceAll(/\]\((?![a-z]+:|#)/g, `](${files}/`);
  return `${section}

### Install

    kubectl krew install --manifest-url=${packageJson.homepage}/releases/download/${tag}/virt-platform.yaml

The controller's image is \`${image}:${tag}\`, the library \`npm install ${packageJson.name}@${version}\`. More in
[docs/install.md](${files}/docs/install.md), also how to verify what you downloaded.

### What was run before this was published

Each executable was started on its own system by the workflow that made this release, and installed with krew
there: linux/amd64, linux/arm64, darwin/amd64, darwin/arm64, windows/amd64. The macOS executables passed \`codesign --verify
--strict\`. The controller's image was started on linux/amd64 and linux/arm64, to tell its version. The tests themselves run
on linux/amd64 alone; on the other platforms only \`version\` and \`render\` were run.
`;
}

/** Everything below the version's heading, up to the next. */
function sectionOf(changelog: string, version: string): string {
  const lines = changelog.split('\n');
  const start = lines.findIndex((line) => line.startsWith(`## [${version}]`));
  if (start === -1) {
    throw new Error(
      `CHANGELOG.md has no section of ${version}: rename "## [Unreleased]" to "## [${version}] - ${'YYYY-MM-DD'}".`,
    );
  }
  const end = lines.findIndex((line, index) => index > start && (line.startsWith('## ') || /^\[[^\]]+\]: /.test(line)));
  const text = lines
    .slice(start + 1, end === -1 ? undefined : end)
    .join('\n')
    .trim();
  if (text === '') throw new Error(`CHANGELOG.md says nothing about ${version}.`);
  return text;
}

if (import.meta.main) await main();

async function main(): Promise<void> {
  try {
    const { values, positionals } = parseArgs({ allowPositionals: true, options: { out: { type: 'string' } } });
    const [tag, ...others] = positionals;
    if (tag === undefined || others.length > 0) throw new Error('Usage: node krew/release-notes.ts TAG [--out FILE]');
    const { version, config } = packageJson;
    const changelog = await readFile(path.resolve(import.meta.dirname, '../CHANGELOG.md'), 'utf8');
    const notes = releaseNotes(changelog, { tag, version, image: config.image });
    if (values.out === undefined) process.stdout.write(notes);
    else await writeFile(values.out, notes);
  } catch (error) {
    console.error(`error: ${error instanceof Error ? error.message : error}`);
    process.exitCode = 2;
  }
}

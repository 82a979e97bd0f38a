import { readFileSync } from 'node:fs';
import path from 'node:path';
import test from 'ava';
import { parse } from 'yaml';
import { targets } from '../../../krew/executable/targets.ts';
import { krewManifest, pluginName } from '../../../krew/krew-manifest.ts';
import { goPlatform } from '../../../plugin/build-info.ts';
import { commandList } from '../../../plugin/command-list.ts';

// What krew itself checks it with is run by test/e2e/packaged-krew.ts. These are the rules of its index, for people.
const root = path.resolve(import.meta.dirname, '../../..');
const { homepage, version } = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8'));
const archives = ['linux', 'windows'].map((os) => ({
  os,
  arch: 'amd64',
  file: `virt-platform_v${version}_${os}_amd64.tar.gz`,
  sha256: 'ab'.repeat(32),
  executable: os === 'windows' ? 'kubectl-virt_platform.exe' : 'kubectl-virt_platform',
  files: ['LICENSE', 'kubectl-virt_platform'],
}));
const text = krewManifest(archives, { version, homepage });
const { spec, ...manifest } = parse(text);

test('it is a plugin of the version that krew reads, under a name that becomes kubectl virt-platform', (t) => {
  t.deepEqual(manifest, {
    apiVersion: 'krew.googlecontainertools.github.com/v1alpha2',
    kind: 'Plugin',
    metadata: { name: 'virt-platform' },
  });
  t.is(`kubectl-${pluginName.replaceAll('-', '_')}`, 'kubectl-virt_platform', "krew's link");
  t.is(spec.version, `v${version}`);
  t.is(spec.homepage, homepage);
});

test('its short description is a few words on one line, without a dot, and without what every plugin is', (t) => {
  t.true(spec.shortDescription.length <= 50);
  t.notRegex(spec.shortDescription, /[\r\n.]|kubectl|plugin/i);
});

test('its description says what it does, in lines that fit a terminal, and lists no commands', (t) => {
  for (const line of spec.description.split('\n')) t.true(line.length <= 100, line);
  t.notRegex(spec.description, /kubectl|virt-platform|node(\.js)?\b/i);
});

test('its caveats name an extra step alone, by a command that there is', (t) => {
  const named = [...spec.caveats.matchAll(/kubectl virt-platform (\S+)/g)].map(([, name]) => name);
  t.deepEqual(named, ['completion']);
  for (const name of named)
    t.true(
      commandList.some((command) => command.name === name),
      name,
    );
});

test('each platform is chosen by system and processor, and says where its archive is and what is in it', (t) => {
  t.is(spec.platforms.length, archives.length);
  for (const [index, platform] of spec.platforms.entries()) {
    const archive = archives[index];
    t.deepEqual(platform, {
      selector: { matchLabels: { os: archive?.os, arch: 'amd64' } },
      uri: `${homepage}/releases/download/v${version}/${archive?.file}`,
      sha256: archive?.sha256,
      bin: archive?.executable,
      files: [
        { from: 'LICENSE', to: '.' },
        { from: 'kubectl-virt_platform', to: '.' },
      ],
    });
  }
});

test('docs/install.md says of each platform where its executable was run', (t) => {
  const document = readFileSync(path.join(root, 'docs/install.md'), 'utf8');
  const table = document.slice(document.indexOf('## Where it was run'));
  for (const target of targets) t.regex(table, new RegExp(`^\\| plugin, .*${goPlatform(target)}`, 'm'));
});

test('there are executables for every platform that krew users have, but for Windows on arm64', (t) => {
  t.deepEqual(targets.map(goPlatform).sort(), [
    'darwin/amd64',
    'darwin/arm64',
    'linux/amd64',
    'linux/arm64',
    'windows/amd64',
  ]);
});

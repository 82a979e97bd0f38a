import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import test from 'ava';
import { parse } from 'yaml';
import { targets } from '../../../krew/executable/targets.ts';
import { npmManifest } from '../../../krew/npm/npm-manifest.ts';
import { goPlatform } from '../../../plugin/build-info.ts';
import { krewVersion } from '../../harness/krew.ts';

type Step = {
  uses?: string;
  run?: string;
  shell?: string;
  with?: Record<string, unknown>;
  env?: Record<string, string>;
};
type Job = {
  needs?: string | string[];
  permissions?: Record<string, string>;
  environment?: string;
  'timeout-minutes'?: number;
  strategy?: { matrix: { include?: { platform: string; runner: string }[]; node?: string[]; runner?: string[] } };
  steps: Step[];
};

const root = path.resolve(import.meta.dirname, '../../..');
const text = readFileSync(path.join(root, '.github/workflows/release.yml'), 'utf8');
const workflow: { on: unknown; permissions: unknown; jobs: Record<string, Job> } = parse(text);
const packageJson = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8'));
const jobs = Object.entries(workflow.jobs);
const steps = jobs.flatMap(([, job]) => job.steps);
const publishing = ['image', 'npm', 'publish'];

/** It, what it needs, and what that needs. */
function before(name: string): string[] {
  const needs = [workflow.jobs[name]?.needs ?? []].flat();
  return [...new Set([name, ...needs.flatMap(before)])];
}

test('a tag starts it, and nothing else', (t) => {
  t.deepEqual(workflow.on, { push: { tags: ['v*'] } });
});

test('every script that it runs, and file that it builds by, is there', (t) => {
  const named = steps.flatMap(
    ({ run = '' }) => run.match(/(?<![\w/.-])\.?[\w-]+(?:\/[\w.-]+)*\/[\w-]+(?:\.(?:ts|mjs|sh))?(?![\w/.*])/g) ?? [],
  );
  const scripts = [...new Set(named)].filter((file) => !file.startsWith('virt-platform/'));
  t.deepEqual(scripts.sort(), [
    '.ci/run',
    'controller/manifests/Containerfile',
    'krew/npm/package.ts',
    'krew/package.ts',
    'krew/release-notes.ts',
    'krew/verify-archive.sh',
    'test/harness/bootstrap.mjs',
  ]);
  for (const script of scripts) t.true(existsSync(path.join(root, script)), script);
  const image = workflow.jobs.image?.steps.find(({ uses }) => uses?.startsWith('docker/build-push-action'));
  t.true(existsSync(path.join(root, String(image?.with?.file))));
});

test('the krew that a release is verified with is the one that the tests use', (t) => {
  const script = readFileSync(path.join(root, 'krew/verify-archive.sh'), 'utf8');
  t.true(script.includes(`require sigs.k8s.io/krew ${krewVersion}\\n`));
});

test('it may read, and each job that publishes may write just what it publishes', (t) => {
  t.deepEqual(workflow.permissions, { contents: 'read' });
  t.deepEqual(
    Object.fromEntries(jobs.flatMap(([name, { permissions }]) => (permissions ? [[name, permissions]] : []))),
    {
      image: { contents: 'read', packages: 'write', 'id-token': 'write' },
      npm: { contents: 'read', 'id-token': 'write' },
      publish: { contents: 'write', 'id-token': 'write', attestations: 'write' },
    },
  );
  for (const { uses, with: options } of steps) {
    if (uses?.startsWith('actions/checkout@')) t.is(options?.['persist-credentials'], false);
  }
});

test('it needs no secret, and what publishes waits for a person', (t) => {
  t.notRegex(text, /\bsecrets\b/);
  for (const [name, { environment }] of jobs)
    t.is(environment, publishing.includes(name) ? 'release' : undefined, name);
});

test('nothing is published before it was tested, audited, and run on every platform', (t) => {
  for (const name of publishing) {
    for (const needed of ['checks', 'verify-plugin', 'verify-npm-package', 'verify-image'])
      t.true(before(name).includes(needed), name);
  }
  const commands = workflow.jobs.checks?.steps.map(({ run }) => run);
  t.true(commands?.includes('npm audit --omit=dev --audit-level=high'));
  t.true(commands?.includes('.ci/run'));
  t.deepEqual(
    workflow.jobs['verify-plugin']?.strategy?.matrix.include?.map(({ platform }) => platform).sort(),
    targets.map(goPlatform).sort(),
  );
  t.true(before('publish').includes('image'), 'the page is last');
});

test('the npm package is tried on the oldest Node that it promises', (t) => {
  const oldest = npmManifest(packageJson).engines.node.replace('>=', '');
  t.is(workflow.jobs['verify-npm-package']?.strategy?.matrix.node?.[0], oldest);
});

test('actions are pinned to a commit, beside the version that it is', (t) => {
  for (const file of ['ci.yaml', 'release.yml']) {
    const lines = readFileSync(path.join(root, '.github/workflows', file), 'utf8').split('\n');
    for (const line of lines.filter((line) => line.includes('uses:')))
      t.regex(line, /^ *(- )?uses: [\w-]+\/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/, file);
  }
});

// Node crashes under emulation, now and then ("Illegal instruction"), and nothing that it makes here is of one platform.
test('nothing of the image is run under emulation, though it is for two platforms', (t) => {
  const stages = readFileSync(path.join(root, 'controller/manifests/Containerfile'), 'utf8')
    .split(/^(?=FROM )/m)
    .slice(1);
  const running = stages.filter((stage) => /^RUN /m.test(stage));
  t.true(running.length > 0);
  for (const stage of running) t.true(stage.startsWith('FROM --platform=$BUILDPLATFORM '), stage);
  t.notRegex(text, /qemu/);
});

test('the image is started on both of its platforms before anything is published', (t) => {
  const { strategy, steps: its = [] } = workflow.jobs['verify-image'] ?? {};
  const runners = workflow.jobs['verify-plugin']?.strategy?.matrix.include ?? [];
  const linux = runners.filter(({ platform }) => platform.startsWith('linux/')).map(({ runner }) => runner);
  t.deepEqual(strategy?.matrix.runner, linux);
  const published = workflow.jobs.image?.steps.find(({ uses }) => uses?.startsWith('docker/build-push-action'));
  t.true(its.some(({ run = '' }) => run.includes(`--file ${published?.with?.file} `)));
  t.true(its.some(({ run = '' }) => run.startsWith('docker run ')));
});

test('a signature is in the format that both generations of cosign verify', (t) => {
  const signing = steps.filter(({ run = '' }) => run.includes('cosign sign-blob'));
  t.is(signing.length, 1);
  for (const { run } of signing) t.regex(run ?? '', /--new-bundle-format/);
  const install = readFileSync(path.join(root, 'docs/install.md'), 'utf8');
  t.regex(install, /cosign verify-blob --new-bundle-format /);
});

test('a job that publishes runs nothing that was fetched by a name alone', (t) => {
  const commands = publishing.flatMap((name) => workflow.jobs[name]?.steps.map(({ run = '' }) => run) ?? []);
  t.true(commands.some((run) => run.startsWith('npm publish ')));
  for (const run of commands) t.notRegex(run, /npm (install|ci|exec)|npx|curl|docker run/);
});

test('every job ends by itself', (t) => {
  for (const [name, job] of jobs) t.true((job['timeout-minutes'] ?? Infinity) <= 60, name);
});

test('no name of a tag or branch is taken for a piece of a script', (t) => {
  for (const { run = '' } of steps) t.notRegex(run, /\$\{\{/);
});

test('the image and its registry are named in package.json alone', (t) => {
  const [registry] = packageJson.config.image.split('/');
  t.false(text.includes(registry));
});

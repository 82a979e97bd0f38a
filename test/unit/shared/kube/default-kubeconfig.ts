import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { defaultKubeconfig } from '../../../../shared/kube/default-kubeconfig.ts';

const folder = mkdtempSync(join(tmpdir(), 'home-'));
test.after.always(() => rmSync(folder, { recursive: true }));
mkdirSync(join(folder, 'profile/.kube'), { recursive: true });
writeFileSync(join(folder, 'profile/.kube/config'), '');

const fileFor = (isWindows: boolean, env: Readonly<Record<string, string>>) => defaultKubeconfig(env, { isWindows });

test('the home folder is the one that $HOME names', (t) => {
  t.is(fileFor(false, { HOME: '/h', USERPROFILE: folder }), join('/h', '.kube', 'config'));
});

test('without $HOME the folder we are in counts, never the home of the account', (t) => {
  t.is(fileFor(false, {}), join('.kube', 'config'));
  t.is(fileFor(false, { HOME: '' }), join('.kube', 'config'));
});

test('on Windows the first home folder that has a kubeconfig counts, else the first', (t) => {
  const USERPROFILE = join(folder, 'profile');
  t.is(fileFor(true, { HOME: '/h', USERPROFILE }), join(USERPROFILE, '.kube', 'config'));
  t.is(fileFor(true, { HOME: '/h', HOMEDRIVE: folder, HOMEPATH: '/profile' }), join(USERPROFILE, '.kube', 'config'));
  t.is(fileFor(true, { HOME: '/h', HOMEDRIVE: 'C:' }), join('/h', '.kube', 'config'));
  t.is(fileFor(true, { USERPROFILE: '/p' }), join('/p', '.kube', 'config'));
});

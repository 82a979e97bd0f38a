import test from 'ava';
import { parseArguments } from '../../../../plugin/arguments.ts';
import { noteChange, refuseNote, wantedNote, withoutNote } from '../../../../plugin/writing/note-change.ts';
import { noteOptions } from '../../../../plugin/writing/write-options.ts';

const now = new Date('2026-11-21T12:00:00Z');
const given = (...words: string[]) => parseArguments(words, noteOptions, { help: 'help' });
const key = 'platform.kubevirt.io/mode';
const object = (annotations: Record<string, string> = {}) => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name: 'a', annotations },
});
const unmanaged = object({ [key]: 'unmanaged', [`${key}-reason`]: 'before' });

test('reason and date stand beside their override', (t) => {
  const note = wantedNote(given('--reason', ' slow disks ', '--until', '30d'), now);
  t.deepEqual(noteChange(key, object(), note), { [`${key}-reason`]: 'slow disks', [`${key}-until`]: '2026-12-21' });
});

test('an override that is there keeps what isn’t given anew', (t) => {
  t.deepEqual(noteChange(key, unmanaged, wantedNote(given(), now)), {});
  t.deepEqual(noteChange(key, unmanaged, wantedNote(given('--until', '2026-12-31'), now)), {
    [`${key}-until`]: '2026-12-31',
  });
});

test('an empty one takes it away', (t) => {
  t.deepEqual(noteChange(key, unmanaged, wantedNote(given('--reason='), now)), { [`${key}-reason`]: null });
});

test('what an earlier override left behind isn’t about the new one', (t) => {
  const left = object({ [`${key}-until`]: '2020-01-01' });
  t.deepEqual(noteChange(key, left, wantedNote(given('--reason', 'new'), now)), {
    [`${key}-reason`]: 'new',
    [`${key}-until`]: null,
  });
});

test('a note goes with its override', (t) => {
  t.deepEqual(withoutNote(key), { [`${key}-reason`]: null, [`${key}-until`]: null });
});

test('a reason without end is refused, and so is one for nothing', (t) => {
  t.throws(() => wantedNote(given('--reason', 'x'.repeat(513)), now), { message: /^--reason has 513 characters/ });
  t.throws(() => refuseNote(given('--until', '30d'), 'list'), { message: /^--until goes with an override.*--list$/ });
  t.notThrows(() => refuseNote(given(), 'list'));
});

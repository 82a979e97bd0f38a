import test from 'ava';
import { endOf, isNoteKey, isOver, noteOn, readNote } from '../../../../shared/api/override-note.ts';

for (const [until, end] of [
  ['2026-12-31', '2027-01-01T00:00:00.000Z'],
  ['2028-02-29', '2028-03-01T00:00:00.000Z'],
  ['2026-12-31T18:00:00Z', '2026-12-31T18:00:00.000Z'],
  ['2026-12-31T18:00:00.5Z', '2026-12-31T18:00:00.500Z'],
  ['2026-12-31T18:00:00+02:00', '2026-12-31T16:00:00.000Z'],
] as const) {
  test(`${until} ends at ${end}`, (t) => t.is(endOf(until), Date.parse(end)));
}

for (const text of [
  '',
  'tomorrow',
  '30d',
  '2026-13-01',
  '2026-02-30',
  '2027-02-29',
  '2026-12-31T18:00',
  '2026-12-31T18:00:00',
  '2026-12-31T25:00:00Z',
  '2026-12-31 18:00:00Z',
  '31.12.2026',
  ' 2026-12-31',
  '2026-12-31\n',
]) {
  test(`${JSON.stringify(text)} is no date`, (t) => t.is(endOf(text), undefined));
}

test('a date counts to the end of its day, and is over with the first moment of the next', (t) => {
  t.false(isOver('2026-12-31', Date.parse('2026-12-31T23:59:59.999Z')));
  t.true(isOver('2026-12-31', Date.parse('2027-01-01T00:00:00Z')));
});

test('a note is read beside the override that it is about, and only there', (t) => {
  const annotations = {
    'platform.kubevirt.io/patch-reason': 'slow disks',
    'platform.kubevirt.io/mode-until': '2026-12-31',
  };
  t.deepEqual(noteOn(annotations, 'platform.kubevirt.io/patch'), { reason: 'slow disks' });
  t.deepEqual(noteOn(annotations, 'platform.kubevirt.io/mode'), { until: '2026-12-31' });
  t.is(noteOn(annotations, 'platform.kubevirt.io/ignore-fields'), undefined);
  t.true(isNoteKey('platform.kubevirt.io/mode-until'));
  t.false(isNoteKey('platform.kubevirt.io/mode'));
});

for (const [title, note, says] of [
  ['a reason that is empty', { reason: ' ' }, /^reason " " is no text of 1 to 512 characters$/],
  ['a reason that is a number', { reason: 5 }, /^reason 5 is no text/],
  ['a reason without end', { reason: 'x'.repeat(513) }, /^reason "x+… is no text/],
  ['a date that is none', { until: 'tomorrow' }, /^until "tomorrow" is no date; it is written as in 2026-12-31/],
  ['a date that is a list', { until: ['2026-12-31'] }, /^until \["2026-12-31"\] is no date/],
  ['a date that is null', { until: null }, /^until null is no date/],
] as const) {
  test(`${title} is a mistake, and left out`, (t) => {
    const read = readNote({ ...note });
    t.deepEqual([read?.reason, read?.until], [undefined, undefined]);
    t.is(read?.mistakes?.length, 1);
    t.regex(read?.mistakes?.[0]?.message ?? '', says);
  });
}

test('of two, the one that can be used is', (t) => {
  const { mistakes, ...rest } = readNote({ reason: 'slow disks', until: 'soon' }) ?? {};
  t.deepEqual(rest, { reason: 'slow disks' });
  t.is(mistakes?.length, 1);
});

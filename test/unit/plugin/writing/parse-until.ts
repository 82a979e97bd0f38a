import test from 'ava';
import { parseUntil } from '../../../../plugin/writing/parse-until.ts';

const now = new Date('2026-11-21T12:34:56.789Z');

for (const [text, until] of [
  ['2026-12-31', '2026-12-31'],
  ['2026-11-21', '2026-11-21'],
  ['2026-12-31T18:00:00Z', '2026-12-31T18:00:00Z'],
  ['2026-12-31T18:00:00+02:00', '2026-12-31T18:00:00+02:00'],
  ['30d', '2026-12-21'],
  ['0d', '2026-11-21'],
  ['2w', '2026-12-05'],
  ['12h', '2026-11-22T00:34:56Z'],
] as const) {
  test(`--until=${text} is written as ${until}`, (t) => t.is(parseUntil(text, now), until));
}

for (const [text, says] of [
  [
    'tomorrow',
    /^--until=tomorrow is no date: it is written as 2026-12-31 \(to the end of that day, UTC\), .* 30d, 2w or 12h$/,
  ],
  ['2026-02-30', /is no date/],
  ['30', /is no date/],
  ['-5d', /is no date/],
  ['1m', /is no date/],
  ['9999999d', /is no date/],
  ['999999w', /is no date/],
  ['2026-11-20', /^--until=2026-11-20 is over since 2026-11-21T00:00:00Z \(it is 2026-11-21T12:34:56Z\)/],
  ['2026-11-21T12:00:00Z', /is over since 2026-11-21T12:00:00Z/],
  ['0h', /is over/],
] as const) {
  test(`--until=${text} is refused`, (t) => {
    t.throws(() => parseUntil(text, now), { name: 'UserError', message: says });
  });
}

import test from 'ava';
import { addExclusion, noteExclusion, removeExclusion } from '../../../../plugin/writing/edit-exclusions.ts';
import type { ExclusionRule } from '../../../../shared/api/exclusions.ts';

const text = `# agreed with the storage team
- kind: ConfigMap   # theirs
  name: 'grafana-*'

# until the migration is over
- {kind: MachineConfig, name: "90-*"}
- kind: Service
  namespace: a
  name: b
`;
const rule = { kind: 'MachineConfig', name: '90-worker-*' };
const configMap = { kind: 'ConfigMap', name: 'grafana-*' };
const machineConfig = { kind: 'MachineConfig', name: '90-*' };
const note = { reason: 'slow disks', until: '2026-12-31' };

const adds = test.macro((t, before: string | undefined, after: string | undefined, added: ExclusionRule = rule) => {
  t.is(addExclusion(before, added), after);
});
const lines = '- kind: MachineConfig\n  name: 90-worker-*\n';
test('a rule is added last, and what is there stays as it is written', adds, text, `${text}${lines}`);
test('the first rule is a list', adds, undefined, lines);
test('a rule is added below comments alone', adds, '# nothing yet', `# nothing yet\n${lines}`);
test('a rule is added to an empty list', adds, '[]', lines);
test('a rule is added to an empty text', adds, '', lines);
test(
  'a rule is indented as those that are there',
  adds,
  '  - {kind: A, name: b}',
  `  - {kind: A, name: b}\n${lines.replace(/^(?=.)/gm, '  ')}`,
);
test('a rule is added with its note', adds, '', `${lines}  reason: slow disks\n  until: "2026-12-31"\n`, {
  ...rule,
  note,
});
test('a namespace is quoted where YAML needs it', adds, '', `${lines}  namespace: "*"\n`, { ...rule, namespace: '*' });
test(
  'a list on one line is written anew',
  adds,
  '[{kind: A, name: b}, {kind: C, name: d, reason: why}]',
  `- kind: A\n  name: b\n- kind: C\n  name: d\n  reason: why\n${lines}`,
);
test('a list on one line is left alone where a comment would be lost', adds, '[{kind: A, name: b}] # why', undefined);
test('a note that can’t be read isn’t lost either', adds, '[{kind: A, name: b, until: soon}]', undefined);

const removes = test.macro((t, before: string, removed: ExclusionRule, after: string | undefined) => {
  t.is(removeExclusion(before, removed), after);
});
test(
  'a rule is taken away with its lines, and the comments of others stay',
  removes,
  text,
  machineConfig,
  text.replace('- {kind: MachineConfig, name: "90-*"}\n', ''),
);
test(
  'the first is too',
  removes,
  text,
  configMap,
  text.replace("- kind: ConfigMap   # theirs\n  name: 'grafana-*'\n", ''),
);
const windows = text.replaceAll('\n', '\r\n');
test(
  'comments of others stay where lines end as on Windows, too',
  removes,
  windows,
  configMap,
  windows.replace("- kind: ConfigMap   # theirs\r\n  name: 'grafana-*'\r\n", ''),
);
test('nothing is left of a document without rules', removes, `---\n${lines}...\n`, rule, '');
test('the last rule leaves nothing', removes, lines, rule, '');
test('the last rule leaves comments', removes, `# ours\n${lines}`, rule, '# ours\n');
test('a rule given twice is gone', removes, `${lines}${lines}`, rule, '');
test(
  'one of a list on one line is taken away',
  removes,
  '[{kind: A, name: b}, {kind: C, name: d}]',
  { kind: 'A', name: 'b' },
  '- kind: C\n  name: d\n',
);
test(
  'one of a list in brackets over several lines is taken away',
  removes,
  '[\n  {kind: A, name: b}, # x\n  {kind: C, name: d},\n]',
  { kind: 'C', name: 'd' },
  '[\n  {kind: A, name: b}, # x\n]',
);
test(
  'where a comment would be lost nothing is',
  removes,
  '[{kind: A, name: b}, {kind: C, name: d}] # x',
  { kind: 'A', name: 'b' },
  undefined,
);

const notes = test.macro((t, before: string, noted: ExclusionRule, after: string | undefined) => {
  t.is(noteExclusion(before, noted), after);
});
test(
  'a note is put below its rule, whose comment stays',
  notes,
  text,
  { ...configMap, note },
  text.replace("  name: 'grafana-*'\n", `  name: 'grafana-*'\n  reason: slow disks\n  until: "2026-12-31"\n`),
);
test(
  'a note takes the place of the one before',
  notes,
  '- kind: A\n  reason: old # x\n  name: b\n- {kind: C, name: d}\n',
  { kind: 'A', name: 'b', note },
  '- kind: A\n  name: b\n  reason: slow disks\n  until: "2026-12-31"\n- {kind: C, name: d}\n',
);
test(
  'a note is taken away',
  notes,
  '- kind: A\n  name: b\n  reason: old\n  until: 2026-12-31\n',
  { kind: 'A', name: 'b' },
  '- kind: A\n  name: b\n',
);
test(
  'a rule on one line is written in several',
  notes,
  text,
  { ...machineConfig, note: { reason: 'slow disks' } },
  text.replace(
    '- {kind: MachineConfig, name: "90-*"}\n',
    '- kind: MachineConfig\n  name: 90-*\n  reason: slow disks\n',
  ),
);
test(
  'of a list on one line it is written anew',
  notes,
  '[{kind: A, name: b}]',
  { kind: 'A', name: 'b', note: { reason: 'x: y' } },
  '- kind: A\n  name: b\n  reason: "x: y"',
);
test(
  'and left alone where a comment would be lost',
  notes,
  '[{kind: A, name: b}] # why',
  { kind: 'A', name: 'b', note },
  undefined,
);

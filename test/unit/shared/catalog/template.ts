import test from 'ava';
import fc from 'fast-check';
import type { RenderContext } from '../../../../shared/catalog/asset.ts';
import { RenderError } from '../../../../shared/catalog/render-error.ts';
import { nastyStrings, nastyText } from '../yaml/helpers/nasty-strings.ts';
import { assetFile, assetWith, context, mistakesIn, render } from './helpers/catalogs.ts';

/** Renders with `objects.it` and expects a RenderError at a line of the file; bodies begin on line 10. */
const fails = test.macro({
  exec(t, body: string, it: unknown, line: number, reason: RegExp) {
    const error = t.throws(() => render(body, { objects: { it } }), { instanceOf: RenderError });
    t.regex(error?.message ?? '', reason);
    t.is(error?.message, `area/it.yaml.hbs:${line}: ${error?.reason}`);
    t.is(error?.line, line);
  },
  title: (given) => `refused: ${given}`,
});

test('values, conditions and loops make a body', (t) => {
  const body = `spec:
{{#if topology.isAWS}}
  class: gp3-csi
{{else if topology.isAzure}}
  class: managed-csi
{{else}}
  class: other
{{/if}}
{{#unless topology.isHCP}}
  workers: {{topology.workerCount}}
{{/unless}}
  list:
{{#each objects.it.list as |item index|}}
    - name: {{item}}
      index: {{index}}
      first: {{@first}}
      last: {{@last}}
      outer: {{@root.topology.cloudProvider}}
{{/each}}
  map:
{{#each objects.it.map}}
    {{@key}}: {{this.value}}-{{value}}-{{../objects.it.list.[0]}}
{{/each}}
{{#with objects.it.map.b}}
  b: {{value}}
{{/with}}
`;
  const objects = { it: { list: ['x', 'z'], map: { b: { value: 'two' }, a: { value: 'one' } } } };
  t.deepEqual(render(body, { objects }), {
    spec: {
      class: 'gp3-csi',
      workers: 2,
      list: [
        { name: 'x', index: 0, first: true, last: false, outer: 'AWS' },
        { name: 'z', index: 1, first: false, last: true, outer: 'AWS' },
      ],
      map: { a: 'one-one-x', b: 'two-two-x' },
      b: 'two',
    },
  });
});

test('a template that renders to white space renders to nothing', (t) => {
  t.is(render('{{#if topology.isAzure}}\nspec: {}\n{{/if}}\n'), undefined);
  t.is(render('{{#if topology.isAzure}}\nspec: {}\n{{/if}}\n# a comment\n'), undefined);
});

test("Prometheus' own braces stay as they are behind a backslash", (t) => {
  t.deepEqual(
    render('data:\n  a: "\\{{ $labels.name }} is \\{{ $value | humanize }}!"\n  b: {{topology.cloudProvider}}\n'),
    {
      data: { a: '{{ $labels.name }} is {{ $value | humanize }}!', b: 'AWS' },
    },
  );
});

test('yaml prints any value as one whole', (t) => {
  const it = { text: 'x\n"y": {z}', list: [1, null, { a: 'yes' }] };
  t.deepEqual(
    render('data: {{yaml objects.it}}\nflow: [{{yaml objects.it.text}}, {k: {{yaml objects.it.list}} }]\n', {
      objects: { it },
    }),
    {
      data: it,
      flow: [it.text, { k: it.list }],
    },
  );
});

test('base64, data URLs, images and pointers need no yaml', (t) => {
  for (const text of [
    'data:text/plain;charset=utf-8;base64,aGVsbG8K+/==',
    'quay.io/a/b@sha256:00ff',
    'a/b:v1.2',
    '100Mi',
    '51%',
    '/dev/disk',
  ]) {
    t.deepEqual(render('a: {{objects.it}}\n', { objects: { it: text } }), { a: text });
  }
});

test('files that an asset ships come as text or base64', (t) => {
  const bytes = new Uint8Array([0xff, 0, 1]);
  const body = 'text: {{yaml (file "it/run.sh")}}\nbase: data:;base64,{{file "../shared.bin" encoding="base64"}}\n';
  t.deepEqual(render(body, {}, { 'area/it/run.sh': '#!/bin/sh\n', 'shared.bin': bytes }), {
    text: '#!/bin/sh\n',
    base: 'data:;base64,/wAB',
  });
});

test(
  'a missing key',
  fails,
  'a: 1\nb: {{objects.it.nope}}\n',
  { yes: 1, also: 2 },
  11,
  /there is no nope in objects.it \(it has also, yes\)/,
);
test('a missing key as an argument of a helper', fails, 'b: {{lower objects.it.nope}}\n', {}, 10, /there is no nope/);
test(
  'a missing key in a loop',
  fails,
  '{{#each objects.it}}\n{{@key}}: {{nope}}\n{{/each}}\n',
  { a: { x: 1 } },
  11,
  /there is no nope in this \(it has x\)/,
);
test('what only the prototype has', fails, 'b: {{objects.it.constructor}}\n', {}, 10, /there is no constructor/);
test('the length of a list as a key', fails, 'b: {{objects.it.length}}\n', [1], 10, /no \[length\]/);
test('an item beyond a list', fails, 'b: {{objects.it.[1]}}\n', [1], 10, /has 1 items, and no \[1\]/);
test('a key of null', fails, 'b: {{objects.it.spec}}\n', null, 10, /objects.it is null, which has no spec/);
test('null in text', fails, 'b: {{objects.it}}\n', null, 10, /null can't stand in text/);
test('a map in text', fails, 'b: {{objects.it}}\n', {}, 10, /a map can't stand in text: use \{\{yaml/);
test(
  'a condition that is text',
  fails,
  '{{#if objects.it}}\nb: 1\n{{/if}}\n',
  'x',
  10,
  /must be true or false, not text/,
);
test('a condition that is null', fails, '{{#unless objects.it}}\nb: 1\n{{/unless}}\n', null, 10, /not null/);
test(
  'a loop over null',
  fails,
  '{{#each objects.it}}\nb: 1\n{{/each}}\n',
  null,
  10,
  /goes over a list or a map, not null/,
);
test('a loop over text', fails, '{{#each objects.it}}\nb: 1\n{{/each}}\n', 'abc', 10, /not text/);
test('a body that is a list', fails, '- {{objects.it}}\n', 'x', 10, /The body must be a map/);
test('two documents', fails, 'a: {{objects.it}}\n---\nb: 1\n', 'x', 12, /more than one document/);
test('identity that a value brings in', fails, '{{objects.it}}: Secret\n', 'kind', 10, /can't set kind/);
test('status that a value names', fails, '{{objects.it}}: {}\n', 'status', 10, /can't set status/);
test(
  'metadata that a value names',
  fails,
  'metadata:\n  {{objects.it}}: x\n',
  'finalizers',
  11,
  /may only hold labels and annotations, not finalizers/,
);
test(
  'text that becomes a boolean with what stands beside it',
  fails,
  'a: tr{{objects.it}}\n',
  'ue',
  10,
  /is not read as text/,
);
test('a quote between quotes', fails, 'a: "{{objects.it}}"\n', 'a"b', 10, /./);
test('a backslash between double quotes', fails, 'a: "{{objects.it}}"\n', 'a\\nb', 10, /between double quotes/);
test('an apostrophe between single quotes', fails, "a: '{{objects.it}}'\n", "a''b", 10, /between single quotes/);
test('a comma in a list in brackets', fails, 'a: [{{objects.it}}]\n', 'a,b', 10, /./);
test('yaml between quotes', fails, "a: '{{yaml objects.it}}'\n", 'x', 10, /must stand alone/);
test('yaml with text beside it', fails, 'a: x{{yaml objects.it}}\n', 'x', 10, /must stand alone/);
test('yaml that closes quotes around it', fails, "a: {b: '{{yaml objects.it}}'}\n", "', c: '", 10, /./);
test('a key that is there already', fails, 'a: 1\n{{objects.it}}: 2\n', 'a', 11, /given twice/);

test('text that a reader could take for something else is refused without yaml, and told so', (t) => {
  for (const it of [
    '',
    'yes',
    'y',
    'on',
    'null',
    '~',
    '012',
    '1e3',
    '1',
    '2024-10-01',
    'a: b',
    'a #b',
    '- a',
    '&a',
    '*a',
    '!a',
    '{a',
    '[a',
    'a\nb',
    ' a',
    'a ',
    'a:',
    '"a"',
    '\u2028',
  ]) {
    const error = t.throws(() => render('a: {{objects.it}}\n', { objects: { it } }), { instanceOf: RenderError });
    t.regex(error?.message ?? '', /use \{\{yaml …\}\}/);
    t.deepEqual(render('a: {{yaml objects.it}}\n', { objects: { it } }), { a: it });
  }
});

for (const [what, body, message] of [
  ['unescaped output', 'a: {{{objects.it}}}\n', /Unescaped output/],
  ['unescaped output with &', 'a: {{&objects.it}}\n', /Unescaped output/],
  ['a partial', '{{> other}}\n', /Partials .* aren't supported/],
  ['an inline block', '{{#*inline "x"}}a{{/inline}}\n', /Decorators and inline blocks/],
  ['another block', '{{#lookup objects.it}}{{/lookup}}\n', /There is no block \{\{#lookup/],
  ['an unclosed block', '{{#if topology.isAWS}}\n', /unexpected end of the template/],
  ['an unknown helper', 'a: {{lowr topology.cloudProvider}}\n', /There is no helper lowr; did you mean lower\?/],
  ['too few arguments', 'a: {{eq 1}}\n', /eq takes 2 arguments, not 1/],
  ['an unknown named argument', 'a: {{get images "x" defalt=1}}\n', /get has no argument defalt=/],
  ['a named argument left out', 'a: {{dig images "x"}}\n', /dig needs default=/],
  ['yaml within a helper', 'a: {{lower (yaml topology)}}\n', /yaml only prints/],
  ['a file that is named by a value', 'a: {{file topology.cloudProvider}}\n', /file needs its text written out/],
  ['a bad pattern', 'a: {{matches topology.cloudProvider "("}}\n', /Invalid regular expression/],
  ['the whole context', 'a: {{yaml @root}}\n', /The whole context can't be used/],
  ['a loop variable outside of a loop', 'a: {{@index}}\n', /@index is known only inside/],
  ['too many steps out', 'a: {{../x}}\n', /goes out of the template/],
] as const) {
  test(`refused when the catalog is loaded: ${what}`, (t) => {
    const [mistake = ''] = mistakesIn({ 'x.yaml.hbs': assetFile(body) });
    t.regex(mistake, /^x\.yaml\.hbs:(8|9): /);
    t.regex(mistake, message);
  });
}

test('a template names the paths that it reads', (t) => {
  const body = `a: {{topology.isAWS}}
b: {{yaml (dig hyperConverged.spec "virtualization" "ksm" default=null)}}
c: {{enabled "x"}}
d: {{yaml (annotation "y")}}
{{#with topology as |where|}}
e: {{where.isHCP}} {{isGCP}} {{@root.hardware.gpuPresent}}
{{/with}}
f: {{yaml hardware}}
`;
  t.deepEqual(assetWith(body).body.uses, [
    "annotation('y')",
    "enabled('x')",
    'hardware',
    'hardware.gpuPresent',
    'hyperConverged.spec.virtualization.ksm',
    'topology',
    'topology.isAWS',
    'topology.isGCP',
    'topology.isHCP',
  ]);
});

test('nothing is rendered again while what is read stays the same, and everything is when it changes', (t) => {
  const { body } = assetWith('a: {{yaml (dig objects.it "x" default="")}}\nb: {{enabled "f"}}\n');
  const at = (x: string, annotations = {}) =>
    body.render(context({ objects: { it: { x, y: Math.random() } }, annotations }));
  const first = at('1');
  t.is(at('1', { other: 'true' }), first);
  t.deepEqual(at('2'), { a: '2', b: false });
  t.deepEqual(at('2', { 'platform.kubevirt.io/enable-f': 'true' }), { a: '2', b: true });
  t.true(Object.isFrozen(first));
});

test('values nested without end are an error, not a crash', (t) => {
  const nested = () => {
    let value: unknown = 1;
    for (let i = 0; i < 100_000; i++) value = { a: value };
    return value;
  };
  for (const body of [
    'a: {{yaml objects.it}}\n',
    'a: {{eq objects.it (dict a=objects.it)}}\n',
    'a: {{yaml (toYaml objects.it)}}\n',
  ]) {
    const { body: template } = assetWith(body);
    t.throws(() => template.render(context({ objects: { it: nested() } })), { instanceOf: RenderError });
  }
});

// One of each place where a value may stand.
const places = `plain: {{#if (eq objects.it.kind "plain")}}{{objects.it.text}}{{else}}{{yaml objects.it.text}}{{/if}}
beside: prefix-{{#if (eq objects.it.kind "beside")}}{{objects.it.text}}{{/if}}-suffix
joined: {{#if (eq objects.it.kind "joined")}}{{objects.it.text}}{{objects.it.text}}{{/if}}
double: "{{#if (eq objects.it.kind "double")}}{{objects.it.text}}{{/if}}"
single: '{{#if (eq objects.it.kind "single")}}{{objects.it.text}}{{/if}}'
flow: [a, {{#if (eq objects.it.kind "flow")}}{{objects.it.text}}{{else}}{{yaml objects.it.text}}{{/if}}, {b: c}]
flowMap: {a: {{#if (eq objects.it.kind "flowMap")}}{{objects.it.text}}{{else}}{{yaml objects.it.text}}{{/if}} , b: c}
block: |
  first
  {{#if (eq objects.it.kind "block")}}{{objects.it.text}}{{/if}}
  last
keys:
  {{#if (eq objects.it.kind "key")}}{{objects.it.text}}{{else}}some{{/if}}: value
  {{yaml (concat objects.it.text "x")}}: value
list:
  - {{#if (eq objects.it.kind "item")}}{{objects.it.text}}{{else}}{{yaml objects.it.text}}{{/if}}
  - last
`;
const kinds = ['none', 'plain', 'beside', 'joined', 'double', 'single', 'flow', 'flowMap', 'block', 'key', 'item'];

test('no value changes the structure of a manifest: it is refused, or it is text where text was', (t) => {
  const { body } = assetWith(places);
  const shapes = new Map(
    kinds.map((kind) => [kind, shapeOf(body.render(context({ objects: { it: { kind, text: 'placeholder' } } })))]),
  );
  const check = (kind: string, text: string) => {
    let rendered: unknown;
    try {
      rendered = body.render(context({ objects: { it: { kind, text } } }));
    } catch (error) {
      t.true(error instanceof RenderError, String(error));
      t.true(
        kind !== 'none' || text.length > 1000,
        `{{yaml}} prints everything, but for keys beyond YAML's limit: ${JSON.stringify(text)} ${error}`,
      );
      return;
    }
    t.deepEqual(shapeOf(rendered), shapes.get(kind));
    const values = rendered as Record<string, unknown>;
    if (kind !== 'plain' && kind !== 'none') return;
    t.is(values.plain, text);
  };
  for (const text of nastyStrings) if (text !== '__proto__') for (const kind of kinds) check(kind, text);
  fc.assert(
    fc.property(fc.constantFrom(...kinds), nastyText, (kind, text) => check(kind, text)),
    { numRuns: 1500 },
  );
});

test('rendering depends on values only, not on the order of keys', (t) => {
  const body =
    '{{#each objects.it}}\nk{{@index}}: {{yaml this}}\nn{{@index}}: {{yaml @key}}\n{{/each}}\nall: {{yaml (keys objects.it)}}\nlast: 1\n';
  const map = fc.dictionary(fc.string(), fc.jsonValue());
  fc.assert(
    fc.property(map, (it) => {
      const reversed = Object.fromEntries(Object.entries(it).reverse());
      // A key that is refused (__proto__) is refused in any order.
      const outcome = (value: unknown) => {
        try {
          return JSON.stringify(render(body, { objects: { it: value } } as Partial<RenderContext>));
        } catch (error) {
          return error instanceof RenderError ? 'refused' : error;
        }
      };
      t.is(outcome(it), outcome(reversed));
    }),
    { numRuns: 60 },
  );
});

/** Types and key counts, without the values; text is text whatever it says. */
function shapeOf(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(shapeOf);
  if (typeof value !== 'object' || value === null) return typeof value;
  const entries = Object.entries(value);
  const isOpen = entries.some(([, item]) => item === 'value');
  return isOpen
    ? entries.map(([, item]) => shapeOf(item))
    : Object.fromEntries(entries.map(([key, item]) => [key, shapeOf(item)]));
}

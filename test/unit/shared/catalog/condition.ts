import test from 'ava';
import fc from 'fast-check';
import type { Condition, RenderContext } from '../../../../shared/catalog/asset.ts';
import { type ConditionScope, compileCondition } from '../../../../shared/catalog/compile-condition.ts';
import { conditionOf } from '../../../../shared/catalog/condition.ts';
import { nastyText } from '../yaml/helpers/nasty-strings.ts';
import { context } from './helpers/catalogs.ts';

const declared = { params: new Set(['role']), reads: new Set(['rules', 'list']) };

function compiled(expression: string, scope: ConditionScope = { variables: 'context', declared }): Condition {
  const result = compileCondition(expression, scope);
  if ('mistakes' in result) throw new Error(result.mistakes.join('\n'));
  // As a package carries it.
  return conditionOf(JSON.parse(JSON.stringify(result.compiled)));
}

function mistakesOf(expression: string): readonly string[] {
  const result = compileCondition(expression, { variables: 'context', declared });
  return 'mistakes' in result ? result.mistakes : [];
}

const evaluates = test.macro({
  exec(t, expression: string, result: 'met' | 'unmet', more: Partial<RenderContext> = {}) {
    t.is(compiled(expression).evaluate(context(more)).result, result);
  },
  title: (_, expression, result) => `${result}: ${expression}`,
});

const hco = (spec: Record<string, unknown>) => ({ hyperConverged: { ...context().hyperConverged, spec } });
const annotations = (name: string, value: string) => ({ annotations: { [`platform.kubevirt.io/${name}`]: value } });

test(evaluates, 'topology.workerCount > 0', 'met');
test(evaluates, 'topology.workerCount + 1 == 3 && topology.totalNodeCount <= 5', 'met');
test(evaluates, 'topology.isAWS && !topology.isHCP', 'met');
test(evaluates, "topology.cloudProvider in ['Azure', 'GCP']", 'unmet');
test(evaluates, "'CPUManager' in featureGates", 'met', { featureGates: { CPUManager: true } });
test(evaluates, "'CPUManager' in featureGates", 'unmet');
test(evaluates, "images['kubevirt-metrics-exporter'] != ''", 'met', {
  images: { 'kubevirt-metrics-exporter': 'quay.io/x' },
});
test(evaluates, "'constructor' in images", 'unmet');
test(evaluates, "enabled('mtv')", 'met', annotations('enable-mtv', 'true'));
test(evaluates, "enabled('mtv') ", 'unmet', annotations('enable-mtv', 'True'));
test(evaluates, "enabled( 'mtv')", 'unmet');
test(evaluates, "annotation('sbr-storage-class') == 'fast'", 'met', annotations('sbr-storage-class', 'fast'));
test(evaluates, "annotation('sbr-storage-class') == ''", 'met');
test(evaluates, "configured('spec.a.b')", 'met', hco({ a: { b: { c: 1 } } }));
test(evaluates, "configured('spec.a.b') || false", 'met', hco({ a: { b: false } }));
test(evaluates, "!configured('spec.a.b')", 'met', hco({ a: { b: {} } }));
test(evaluates, "!configured('spec.a.b') && true", 'met', hco({ a: { b: null } }));
test(evaluates, "!configured('spec.a.b.c')", 'met', hco({ a: 'text' }));
test(evaluates, "setting('spec.a.b') == true", 'met', hco({ a: { b: true } }));
test(evaluates, "setting('spec.a.b') != true", 'met', hco({ a: { b: false } }));
test(evaluates, "setting('spec.a.c') != true", 'met', hco({}));
test(evaluates, "setting('spec.a.b') == 3", 'met', hco({ a: { b: 3 } }));
test(evaluates, "setting('spec.a.b') == null", 'met', hco({ a: 'text' }));
test(evaluates, "setting('spec.a.0') == null && topology.workerCount > 0", 'met', hco({ a: ['x'] }));
test(evaluates, "setting('spec.a').b == 'x'", 'met', hco({ a: { b: 'x' } }));
test(evaluates, 'has(hyperConverged.spec.a.b)', 'unmet', hco({ a: {} }));
test(evaluates, 'objects.rules == null', 'met', { objects: { rules: null } });
test(evaluates, "objects.list.exists(item, item.metadata.name == 'x' && item.size == 2)", 'met', {
  objects: { list: [{ metadata: { name: 'x' }, size: 2 }] },
});
test(evaluates, 'objects.rules.spec.groups.all(g, g.rules.filter(r, has(r.record)).size() > 0)', 'met', {
  objects: { rules: { spec: { groups: [{ rules: [{ record: 'a' }] }] } } },
});
test(evaluates, "params.role.startsWith('work')", 'met');
test(evaluates, "params.role.matches('^w.*r$')", 'met');

test(evaluates, "1.5e300 < 1e999 && 1.0 / -0.0 < 0.0 && b'\\xff' != b'' && 9007199254740993 % 2 == 1", 'met');
test(evaluates, "{'a': [1u, 2u]}['a'][1] == 2u", 'met');

test('readiness is asked of the object alone', (t) => {
  const condition = compiled(
    "has(object.status) && object.status.conditions.exists(c, c.type == 'Ready' && c.status == 'True')",
    { variables: 'object' },
  );
  t.deepEqual(condition.uses, ['object.status', 'object.status.conditions']);
  t.is(condition.evaluate({ object: {} }).result, 'unmet');
  t.is(condition.evaluate({ object: { status: { conditions: [{ type: 'Ready', status: 'True' }] } } }).result, 'met');
});

test('a result says what was seen, small values as they are and large ones only how large', (t) => {
  const condition = compiled(
    "topology.isAWS && enabled('mtv') && !configured('spec.x') && objects.rules != null && hyperConverged.spec.missing == 1",
  );
  t.deepEqual(condition.uses, [
    "configured('spec.x')",
    "enabled('mtv')",
    'hyperConverged.spec.missing',
    'objects.rules',
    'topology.isAWS',
  ]);
  t.deepEqual(condition.evaluate(context({ objects: { rules: { a: 1, b: 2 } } })).saw, {
    "configured('spec.x')": false,
    "enabled('mtv')": false,
    'objects.rules': 'a map of 2',
    'topology.isAWS': true,
  });
});

test('a name that is not there is an error that says which, and how to ask', (t) => {
  t.like(compiled('hyperConverged.spec.virtualization.x == 1').evaluate(context()), {
    result: 'error',
    message: "hyperConverged.spec.virtualization isn't set: ask with has(hyperConverged.spec.virtualization.x) first",
  });
});

test('a result that is not a boolean is an error', (t) => {
  t.like(compiled('topology.workerCount').evaluate(context()), {
    result: 'error',
    message: 'it yields a number, not true or false',
  });
  t.like(compiled("'a' + params.role").evaluate(context()), {
    result: 'error',
    message: 'it yields text, not true or false',
  });
});

test('types that do not fit are an error', (t) => {
  t.is(compiled('topology.cloudProvider > 1').evaluate(context()).result, 'error');
});

for (const [expression, mistake] of [
  ['topology.isAws', /There is no topology.isAws; topology has /],
  ['hardware.gpu', /There is no hardware.gpu/],
  ['toplogy.isAWS', /There is no toplogy; there are annotations, /],
  ['params.rule == 1', /params.rule isn't among the asset's params \(role\)/],
  ['objects.crd == null', /objects.crd isn't among the asset's reads \(list, rules\)/],
  ["enabeld('x')", /There is no function enabeld with 1 argument/],
  ['enabled(params.role)', /enabled\(\) takes one text, written out/],
  ["enabled('x', annotations)", /enabled\(\) takes one text/],
  ["params.role.beginsWith('x')", /There is no method beginsWith/],
  ["params.role.matches(annotation('x'))", /a pattern that is written out/],
  ['1 +', /can't be parsed/],
  ['', /can't be parsed/],
  ['[1].exists(x, y == 1)', /There is no y/],
  ['Foo{a: 1} == null', /There is no message type Foo/],
  ['object.status', /There is no object/],
] as const) {
  test(`refused when the catalog is loaded: ${expression}`, (t) => {
    t.regex(mistakesOf(expression).join('\n'), mistake);
  });
}

test('no value makes an evaluation throw', (t) => {
  const conditions = [
    "annotation('x') == 'y'",
    "configured('spec.a.b')",
    'objects.rules.a.b == objects.list',
    "objects.list.exists(x, x.a == 'b')",
    'hyperConverged.spec == objects.rules',
  ].map((expression) => compiled(expression));
  const value = fc.oneof(
    fc.jsonValue(),
    nastyText,
    fc.constant({ constructor: { name: 'x' }, __proto__: null, toString: 1 }),
    fc.constant(Number.NaN),
    fc.constant(undefined),
  );
  fc.assert(
    fc.property(value, value, fc.dictionary(nastyText, fc.jsonValue()), (rules, list, spec) => {
      for (const condition of conditions) {
        const { result } = condition.evaluate(context({ objects: { rules, list }, ...hco(spec) }));
        t.true(['met', 'unmet', 'error'].includes(result));
      }
    }),
    { numRuns: 200 },
  );
});

test('values nested without end are an error, not a crash', (t) => {
  const nested = () => {
    let value: unknown = 1;
    for (let i = 0; i < 100_000; i++) value = { a: value };
    return value;
  };
  const { result } = compiled('objects.rules == objects.list').evaluate(
    context({ objects: { rules: nested(), list: nested() } }),
  );
  t.is(result, 'error');
});

test('of a large object only what is named is looked at', (t) => {
  const rules = {
    wanted: 1,
    get large(): never {
      throw new Error('looked at');
    },
  };
  t.is(compiled('objects.rules.wanted == 1').evaluate(context({ objects: { rules } })).result, 'met');
});

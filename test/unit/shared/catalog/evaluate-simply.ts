import path from 'node:path';
import test from 'ava';
import fc from 'fast-check';
import { compileCatalog } from '../../../../shared/catalog/compile-catalog.ts';
import { compileCondition } from '../../../../shared/catalog/compile-condition.ts';
import { celEvaluator } from '../../../../shared/catalog/evaluate-cel.ts';
import { evaluateSimply } from '../../../../shared/catalog/evaluate-simply.ts';
import { readCatalogFiles } from '../../../../shared/catalog/read-catalog-files.ts';
import { context } from './helpers/catalogs.ts';

const declared = { params: new Set(['role']), reads: new Set(['a', 'b']) };

function parsed(expression: string) {
  const result = compileCondition(expression, { variables: 'context', declared });
  if ('mistakes' in result) throw new Error(`${expression}: ${result.mistakes.join()}`);
  return result.compiled.parsed;
}

const simple = fc.letrec<{ truth: string; value: string }>((tie) => ({
  value: fc.constantFrom(
    ...['objects.a', 'objects.b', 'objects.a.x', "objects['b'].y", 'params.role', 'true', 'false', 'null', "''"],
    ...["'x'", "annotation('x')", "setting('spec.x')", "setting('spec.x.y')", 'hyperConverged.spec', '1', '[true]'],
  ),
  truth: fc.oneof(
    { depthSize: 'small' },
    fc.constantFrom('topology.isOpenShift', "enabled('x')", "configured('spec.x')", "setting('spec.x')", 'objects.a.x'),
    fc.tuple(tie('value'), fc.constantFrom('==', '!='), tie('value')).map((parts) => parts.join(' ')),
    fc.tuple(tie('value'), fc.constantFrom('objects.a', 'images', 'featureGates', "['x']")).map((p) => p.join(' in ')),
    tie('truth').map((inner) => `!(${inner})`),
    fc.tuple(tie('truth'), fc.constantFrom('&&', '||'), tie('truth')).map(([a, by, b]) => `(${a}) ${by} (${b})`),
  ),
}));

const anything = fc.oneof(
  fc.constantFrom(null, true, false, '', 'x', 0, 1, 1.5, 'true'),
  fc.dictionary(fc.constantFrom('x', 'y'), fc.oneof(fc.constantFrom(null, true, false, '', 'x', 1), fc.jsonValue())),
  fc.jsonValue(),
);

test('what is decided without the CEL library is what the library decides', (t) => {
  let decided = 0;
  fc.assert(
    fc.property(simple.truth, anything, anything, anything, (expression, a, b, x) => {
      const variables = context({
        objects: { a, b },
        images: x === 'x' ? { x } : {},
        featureGates: x === true ? { x } : {},
        annotations: typeof x === 'string' ? { 'platform.kubevirt.io/enable-x': x, 'platform.kubevirt.io/x': x } : {},
        hyperConverged: { ...context().hyperConverged, spec: x === 0 ? {} : { x } },
      });
      const result = evaluateSimply(parsed(expression), variables);
      if (result === undefined) return true;
      decided++;
      return celEvaluator(parsed(expression))(variables) === result;
    }),
    { numRuns: 2000 },
  );
  t.true(decided > 500, `${decided} were decided`);
});

test('every condition of the built-in catalog is decided without the CEL library, where everything is there', async (t) => {
  const files = await readCatalogFiles(path.resolve(import.meta.dirname, '../../../../assets'));
  const conditions = compileCatalog(files).assets.flatMap((asset) => asset.when.map((when) => ({ asset, when })));
  for (const { asset, when } of conditions) {
    const objects = Object.fromEntries(Object.keys(asset.reads).map((alias) => [alias, null]));
    const variables = context({ params: asset.params, objects });
    const result = evaluateSimply(when.parsed, variables);
    t.is(result, celEvaluator(when.parsed)(variables) as boolean, `${asset.name}: ${when.expression}`);
  }
});

for (const expression of [
  'topology.workerCount > 0',
  'objects.a.missing == null',
  "objects.a == 'x'",
  "'x' in objects.a",
  'has(objects.a)',
  "params.role.startsWith('w')",
]) {
  test(`CEL decides: ${expression}`, (t) => {
    t.is(evaluateSimply(parsed(expression), context({ objects: { a: [], b: 1 } })), undefined);
  });
}

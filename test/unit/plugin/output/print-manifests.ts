import test from 'ava';
import { printDocuments, resourceName, safeJson, safeYaml } from '../../../../plugin/output/print-manifests.ts';
import { parseYaml } from '../../../../shared/yaml/parse-yaml.ts';

test('manifests are YAML documents with --- between them', (t) => {
  const object = (name: string) => ({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name } });
  const document = (name: string) => `apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: ${name}\n`;
  t.is(printDocuments([object('a'), object('b')]), `${document('a')}---\n${document('b')}`);
  t.is(printDocuments([]), '');
});

test('nothing that a terminal acts upon is printed as YAML, and the value stays the same', (t) => {
  const value = {
    plain: 'ok',
    bidi: 'a\u202eb',
    'key\u2066': 'x',
    ansi: ['\u001b[31m', '\u009b31m'],
    text: 'line\nwith\u200bzero\nwidth\n',
    mark: '\u0001\u0002\u0001',
  };
  const yaml = safeYaml(value);
  t.deepEqual(parseYaml(yaml), value);
  t.is(yaml.replace(/[\u0020-\u007e\n]/g, ''), '');
});

test('text without such characters is printed as it is', (t) => {
  t.is(safeYaml({ a: 'Größe', script: 'one\ntwo\n' }), 'a: Größe\nscript: |\n  one\n  two\n');
});

test('what is undefined is left out', (t) => {
  t.is(safeYaml({ a: undefined, b: 1 }), 'b: 1\n');
  t.is(safeJson({ a: undefined, b: 1 }), '{\n    "b": 1\n}\n');
});

test('names are those of kubectl -o name', (t) => {
  t.is(resourceName({ apiVersion: 'v1', kind: 'ConfigMap', name: 'a' }), 'configmap/a');
  t.is(resourceName({ apiVersion: 'apps/v1', kind: 'DaemonSet', name: 'a' }), 'daemonset.apps/a');
});

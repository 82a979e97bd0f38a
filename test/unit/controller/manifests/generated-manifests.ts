import test from 'ava';
import { parseAllDocuments } from 'yaml';
import { generatedManifests, imagePatch } from '../../../../controller/manifests/generated-manifests.ts';
import { rulesFor } from '../../../../controller/manifests/rules-for.ts';
import { catalogWith, inOurs } from './_catalogs.ts';

const catalog = catalogWith({ a: {}, b: { target: inOurs } });
const namespace = 'ours';

function objectsIn(file: string) {
  const text = generatedManifests(catalog, { namespace })[file] ?? '';
  return parseAllDocuments(text).map((document) => document.toJS());
}

test('every generated file says so in its first line', (t) => {
  const files = {
    ...generatedManifests(catalog, { namespace }),
    image: imagePatch({ image: 'a/b', version: '1.2.3' }),
  };
  for (const [file, text] of Object.entries(files)) t.regex(text, /^# AUTO-GENERATED - DO NOT EDIT\./, file);
});

test('the same catalog gives the same text', (t) => {
  t.deepEqual(generatedManifests(catalog, { namespace }), generatedManifests(catalog, { namespace }));
});

test('the controller’s roles hold the rules, and are bound to its ServiceAccount', (t) => {
  const rules = rulesFor(catalog, { namespace });
  const [clusterRole, clusterRoleBinding, role, roleBinding] = objectsIn('rbac.yaml');
  t.deepEqual(
    clusterRole.rules,
    rules.clusterRole.map(({ rule }) => rule),
  );
  t.deepEqual(
    role.rules,
    rules.role.map(({ rule }) => rule),
  );
  const name = 'virt-platform-autopilot';
  for (const [binding, kind] of [
    [clusterRoleBinding, 'ClusterRole'],
    [roleBinding, 'Role'],
  ]) {
    t.deepEqual(binding.roleRef, { apiGroup: 'rbac.authorization.k8s.io', kind, name });
    t.deepEqual(binding.subjects, [{ kind: 'ServiceAccount', name, namespace }]);
  }
  t.is(role.metadata.namespace, namespace);
});

test('a rule’s comment tells what it is for, on lines that fit a screen', (t) => {
  const many = catalogWith(Object.fromEntries(Array.from({ length: 40 }, (_, index) => [`asset-number-${index}`, {}])));
  const lines = (generatedManifests(many, { namespace })['rbac.yaml'] ?? '').split('\n');
  t.true(lines.includes('# leader election'));
  const comments = lines.filter((line) => line.startsWith('# ') && !line.startsWith('# AUTO'));
  t.true(comments.join(' ').includes('asset-number-39'));
  t.true(comments.every(({ length }) => length <= 120));
});

test('people’s roles are bound to nobody, and steering is part of no role that people have already', (t) => {
  const [viewer, author, ...more] = objectsIn('roles-for-people.yaml');
  t.deepEqual(more, []);
  t.deepEqual(viewer.metadata, {
    name: 'virt-platform-viewer',
    labels: { 'rbac.authorization.k8s.io/aggregate-to-cluster-reader': 'true' },
  });
  t.deepEqual(author.metadata, { name: 'virt-platform-author' });
});

test('the image is that of the version', (t) => {
  const { spec } = parseAllDocuments(imagePatch({ image: 'registry.example/a/b', version: '1.2.3' }))[0]?.toJS() ?? {};
  t.deepEqual(spec.template.spec.containers, [{ name: 'autopilot', image: 'registry.example/a/b:v1.2.3' }]);
});

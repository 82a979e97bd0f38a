import test from 'ava';
import { RenderError } from '../../../../shared/catalog/render-error.ts';
import { render } from './helpers/catalogs.ts';

const crd = {
  spec: {
    versions: [
      { name: 'v1alpha1', storage: false, schema: { openAPIV3Schema: { properties: { old: {} } } } },
      {
        name: 'v1',
        storage: true,
        schema: {
          openAPIV3Schema: {
            properties: {
              spec: {
                properties: {
                  profiles: { type: 'array', items: { type: 'string', enum: ['A', 'B'] } },
                  limits: { properties: { node: { type: 'integer' } } },
                  rules: { type: 'array', items: { properties: { name: { enum: ['x'] } } } },
                  extra: { additionalProperties: { properties: { x: {} } } },
                },
              },
            },
          },
        },
      },
    ],
  },
};
const rule = { spec: { groups: [{ rules: [{ alert: 'x' }, { record: 'a:b:c' }] }] } };
const profile = (name: string, accessModes: string[], volumeMode: string) => ({
  metadata: { name },
  status: {
    claimPropertySets: [
      { accessModes: ['ReadWriteOnce'], volumeMode: 'Filesystem' },
      { accessModes, volumeMode },
    ],
  },
});
const it = {
  text: 'Hello',
  yes: true,
  none: null,
  zero: 0,
  list: ['b', 'a', 'b'],
  map: { b: 1, 'a.b/c': { d: 'e' } },
  devices: [{ id: '10DE:1db6' }, { id: '1002:687f' }],
  crd,
  rule,
  profiles: [
    profile('z', ['ReadWriteMany'], 'Filesystem'),
    profile('b', ['ReadWriteMany'], 'Filesystem'),
    profile('a', ['ReadWriteMany'], 'Block'),
  ],
};

const gives = test.macro({
  exec(t, expression: string, value: unknown) {
    const annotations = { 'platform.kubevirt.io/enable-x': 'true', 'platform.kubevirt.io/class': 'fast' };
    const asset = render(`v: {{yaml ${expression.replaceAll('$', 'objects.it.')}}}\n`, {
      objects: { it },
      annotations,
    });
    t.deepEqual(asset, { v: value });
  },
  title: (_, expression: string) => expression,
});

const fails = test.macro({
  exec(t, expression: string, reason: RegExp) {
    const error = t.throws(
      () =>
        render(`# {{objects.it.text}}\nv: {{yaml ${expression.replaceAll('$', 'objects.it.')}}}\n`, {
          objects: { it },
        }),
      {
        instanceOf: RenderError,
      },
    );
    t.regex(error?.message ?? '', reason);
  },
  title: (_, expression) => `refused: ${expression}`,
});

test(gives, '(eq $map $map)', true);
test(gives, '(eq 1 "1")', false);
test(gives, '(ne $none null)', false);
test(gives, '(lt 2 10)', true);
test(gives, '(lt "2" "10")', false);
test(gives, '(le 2 2)', true);
test(gives, '(ge $list.[0] "b")', true);
test(gives, '(and $yes (not (empty $text)) (gt 2 1))', true);
test(gives, '(and (hasKey $map "x") (eq $map.x 1))', false);
test(gives, '(or $yes (eq $nothing 1))', true);
test(gives, '(choose $yes $text $nothing)', 'Hello');
test(gives, '(empty $zero)', true);
test(gives, '(empty (list))', true);
test(gives, '(default $none 5)', 5);
test(gives, '(default $text 5)', 'Hello');
test(gives, '(dig $map "a.b/c" "d" default="x")', 'e');
test(gives, '(dig $map "a.b/c" "d" "f" default="x")', 'x');
test(gives, '(dig $none "a" default=null)', null);
test(gives, '(dig objects.it "none" default="x")', null);
test(gives, '(dig $list 1 default="x")', 'a');
test(gives, '(dig $map "constructor" default="x")', 'x');
test(gives, '(get $map "b")', 1);
test(gives, '(get $map "c" default=2)', 2);
test(gives, '(has $list "a")', true);
test(gives, '(hasKey $map "toString")', false);
test(gives, '(keys $map)', ['a.b/c', 'b']);
test(gives, '(dict b=1 a=(list 1 "x"))', { b: 1, a: [1, 'x'] });
test(gives, '(append $list "c")', ['b', 'a', 'b', 'c']);
test(gives, '(count $map)', 2);
test(gives, '(pluck $devices "id")', ['10DE:1db6', '1002:687f']);
test(gives, '(sort (unique $list))', ['a', 'b']);
test(gives, '(sort (list 10 9))', [9, 10]);
test(gives, '(first $list default="x")', 'b');
test(gives, '(first (list) default="x")', 'x');
test(gives, '(common (list "c" "a" "b") $list)', ['a', 'b']);
test(gives, '(where $devices "id" "1002:687f")', [{ id: '1002:687f' }]);
test(gives, '(whereNot $devices "disabled" true)', [{ id: '10DE:1db6' }, { id: '1002:687f' }]);
test(gives, '(whereNot $devices "id" "1002:687f")', [{ id: '10DE:1db6' }]);
test(gives, '(fill "a=@a@ b=@b@ @a@" a=1 b="x")', 'a=1 b=x 1');
test(fails, '(fill "a=@a@ b=@b@" a=1)', /the text has @b@, which isn't given/);
test(fails, '(fill "a" a=1)', /the text has no @a@/);
test(gives, '(integer "500")', 500);
test(gives, '(integer "500" min=10 max=499 default=0)', 0);
test(gives, '(integer " 5" default=null)', null);
test(gives, '(integer "1e3" default=-1)', -1);
test(fails, '(integer "012")', /it isn't a whole number/);
test(fails, '(integer "5" min=10 max=20)', /it isn't a whole number from 10 to 20/);
test(gives, '(seconds "1h1m1s")', 3661);
test(gives, '(seconds "15m")', 900);
test(gives, '(seconds "often" default=0)', 0);
test(gives, '(seconds "" default=0)', 0);
test(fails, '(seconds "5")', /it isn't a time like 90s/);
test(gives, '(merge $map (dict c=3))', { ...it.map, c: 3 });
test(gives, '(concat $text " " (lower $text) (upper $text))', 'Hello helloHELLO');
test(gives, '(string false)', 'false');
test(gives, '(string 1.5)', '1.5');
test(gives, '(join (split "a,b" ",") ";")', 'a;b');
test(gives, '(trim " a ")', 'a');
test(gives, '(replace "a.b.c" "." "-")', 'a-b-c');
test(gives, '(matches "10de:1db6" "[0-9a-f]{4}:[0-9a-f]{4}")', true);
test(gives, '(matches "x10de:1db6" "[0-9a-f]{4}:[0-9a-f]{4}")', false);
test(gives, '(add 1 2 3)', 6);
test(gives, '(sub 1 2)', -1);
test(gives, '(mul 2 3)', 6);
test(gives, '(fromJson \'{"a": [1]}\')', { a: [1] });
test(gives, '(toJson (list 1 "a"))', '[1,"a"]');
test(gives, '(fromYaml "a: [1]")', { a: [1] });
test(gives, '(toYaml (dict a=(list 1)))', 'a:\n- 1');
test(gives, '(base64 "hi")', 'aGk=');
test(gives, '(mergeYaml "a:  1 # x" (dict a=1))', 'a:  1 # x');
test(gives, '(mergeYaml "" (dict a=1))', 'a: 1\n');
test(gives, '(annotation "class")', 'fast');
test(gives, '(annotation "other")', '');
test(gives, '(annotation "other" default=null)', null);
test(gives, '(enabled "x")', true);
test(gives, '(enabled "y")', false);
test(gives, '(configured "spec.x")', false);
test(gives, '(configured "metadata.name")', true);
test(gives, '(crdHasField $crd "spec.limits.node")', true);
test(gives, '(crdHasField $crd "spec.limits.total")', false);
test(gives, '(crdHasField $crd "spec.rules.name")', true);
test(gives, '(crdHasField $crd "spec.extra.anything.x")', true);
test(gives, '(crdHasField $crd "old")', false);
test(gives, '(crdHasField $none "spec")', false);
test(gives, '(crdEnum $crd "spec.profiles")', ['A', 'B']);
test(gives, '(crdEnum $crd "spec.nope")', []);
test(gives, '(crdEnum $none "spec.profiles")', []);
test(gives, '(crdHasEnum $crd "spec.profiles" "B")', true);
test(gives, '(crdHasEnum $crd "spec.profiles" "C")', false);
test(gives, '(hasRecordingRule $rule "a:b:c")', true);
test(gives, '(hasRecordingRule $rule "x")', false);
test(gives, '(hasRecordingRule $none "x")', false);
test(gives, '(storageProfileRWXClass $profiles)', 'b');
test(gives, '(storageProfileRWXClass (list))', '');

test(fails, '(not $text)', /not: a boolean is expected, not text/);
test(fails, '(and $yes 1)', /and: a boolean is expected, not the number 1/);
test(fails, '(lt 1 "2")', /can be compared/);
test(fails, '(get $map "c")', /there is no key "c"/);
test(fails, '(pluck $devices "name")', /there is no key "name"/);
test(fails, '(lower $none)', /text is expected, not null/);
test(fails, '(concat $text 1)', /text is expected, not the number 1/);
test(fails, '(join $text ",")', /a list is expected, not text/);
test(fails, '(merge $map $list)', /a map is expected, not a list/);
test(fails, '(add 1 1.5)', /a whole number is expected/);
test(fails, '(mul 9007199254740991 2)', /a whole number is expected/);
test(fails, '(fromJson "{")', /it isn't JSON/);
test(fails, '(fromYaml "a: *x")', /fromYaml: the text isn't YAML that can be used/);
test(
  fails,
  '(mergeYaml "- a" (dict a=1))',
  /mergeYaml: the text isn't YAML that can be used: line 1: It must be a mapping/,
);
test(fails, '(crdEnum $text "x")', /a map is expected, not text/);
test(fails, '(fail "no such device")', /:\d+: no such device$/);

import test from 'ava';
import { formatPointer, PointerError, parsePointer } from '../../../../shared/api/json-pointer.ts';

for (const [pointer, names] of [
  ['', []],
  ['/', ['']],
  ['/spec/a', ['spec', 'a']],
  ['/a~1b', ['a/b']],
  ['/a~0b', ['a~b']],
  ['/~01', ['~1']],
  ['/a/', ['a', '']],
  ['/a/01', ['a', '01']],
  ['/a/-', ['a', '-']],
  ['/a b/%20', ['a b', '%20']],
] as const) {
  test(`${JSON.stringify(pointer)} is the path ${JSON.stringify(names)}, and back`, (t) => {
    t.deepEqual(parsePointer(pointer), [...names]);
    t.is(formatPointer(names), pointer);
  });
}

test('a list index is written as it is', (t) => t.is(formatPointer(['items', 0, 'a/b~c']), '/items/0/a~1b~0c'));

for (const [pointer, says] of [
  ['spec', /begins with "\/", as in "\/spec"/],
  ['.spec.items[0].name', /"\/spec\/items\/0\/name"/],
  ["metadata.labels['a/b']", /"\/metadata\/labels\/a~1b"/],
  ['#/spec', /as in "\/spec"/],
  ['spec/a/b~1c', /as in "\/spec\/a\/b~1c"/],
  ['metadata.labels.a/b', /as in "\/metadata\/labels\/a~1b"/],
  ['/a~', /"~0"/],
  ['/a~2', /"~0"/],
  ['/~~1', /"~0"/],
  ['/__proto__', /__proto__/],
  ['/a/constructor/b', /constructor/],
  ['/prototype', /prototype/],
  [`/${'a/'.repeat(64)}b`, /deeper than 64/],
  [`/${'a'.repeat(1024)}`, /1025 characters/],
] as const) {
  test(`${JSON.stringify(pointer.slice(0, 40))} is refused in one short line`, (t) => {
    const error = t.throws(() => parsePointer(pointer), { instanceOf: PointerError, message: says });
    t.true((error?.message.length ?? 0) < 300);
  });
}

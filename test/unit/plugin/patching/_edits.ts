import fc from 'fast-check';
import type { PatchOperation } from '../../../../shared/api/annotations.ts';
import type { KubernetesObject } from '../../../../shared/api/kubernetes-object.ts';
import { applyUserPatch } from '../../../../shared/engine/user-patch.ts';

const name = fc.constantFrom('a', 'b', 'c/d', 'e~f', 'name');
const { value } = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small', maxDepth: 4 },
    fc.constantFrom(null, true, 0, 1, 'x', 'y', ''),
    fc.array(tie('value'), { maxLength: 5 }),
    fc.dictionary(name, tie('value'), { maxKeys: 4, noNullPrototype: true }),
  ),
}));

/** Any JSON value, small enough that two of them have something in common. */
export const json: fc.Arbitrary<unknown> = value;

/** An object with that as its spec. */
export function withSpec(spec: unknown): KubernetesObject {
  return { apiVersion: 'example.com/v1', kind: 'Gadget', metadata: { name: 'one' }, spec };
}

/** The object as the controller patches it. */
export function patched(object: KubernetesObject, operations: readonly PatchOperation[]): KubernetesObject {
  const result = applyUserPatch(object, operations);
  if (result.result === 'invalid') throw new Error(`${result.message}: ${JSON.stringify(operations)}`);
  return result.object;
}

import { PointerError, parsePointer } from '../../shared/api/json-pointer.ts';
import type { KubernetesObject } from '../../shared/api/kubernetes-object.ts';
import { forbiddenPointer } from '../../shared/engine/ignored-fields.ts';

/** Whether `ignore` takes these pointers into the object as it is wanted. A comma parts pointers in its annotation. */
export function canIgnore(pointers: readonly string[], onto: KubernetesObject): boolean {
  try {
    return (
      !pointers.some((pointer) => pointer.includes(',')) &&
      forbiddenPointer(pointers.map(parsePointer), onto) === undefined
    );
  } catch (error) {
    if (error instanceof PointerError) return false;
    throw error;
  }
}

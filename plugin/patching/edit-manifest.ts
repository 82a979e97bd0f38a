import { annotation } from '../../shared/api/annotations.ts';
import type { KubernetesObject } from '../../shared/api/kubernetes-object.ts';
import { formatObjectRef } from '../../shared/api/object-ref.ts';
import { isMap } from '../../shared/engine/json.ts';
import { parseYaml } from '../../shared/yaml/parse-yaml.ts';
import type { Environment } from '../environment.ts';
import { diffName } from '../output/compared-object.ts';
import { safeYaml } from '../output/print-manifests.ts';
import { UserError } from '../user-error.ts';
import { type Edit, editSession } from './edit-session.ts';
import type { AuthoredPatch, PatchAuthor } from './patch-author.ts';

/** Lets a person edit an object as the autopilot wants it, its patch included, until what they changed can be a patch. */
export async function editManifest(
  author: PatchAuthor,
  environment: Environment,
  { guard }: { guard: boolean },
): Promise<Edit<AuthoredPatch>> {
  const { item, current } = author;
  const { target, asset } = item;
  const there = current.operations.length === 0 ? '' : `, with the patch that is there (${current.operations.length})`;
  return await editSession(safeYaml(current.patched), {
    name: `${diffName(target)}.yaml`,
    header: [
      `${formatObjectRef(target)} as ${asset} wants it${there}. What you change becomes the`,
      `annotation ${annotation.patch}. Lines beginning with '#' are left out, an empty file`,
      'cancels, and after a mistake this file is opened again.',
      ...current.notes,
      '',
    ],
    environment,
    check: (text) => author.author({ object: objectIn(text) }, { guard }),
  });
}

/** @throws YamlError, or UserError for what is no object. */
function objectIn(text: string): KubernetesObject {
  const value = parseYaml(text, { ambiguous: 'refuse' });
  if (!isMap(value) || !isMap(value.metadata)) {
    throw new UserError('what is left is no object: apiVersion, kind and metadata have to stay');
  }
  return value as KubernetesObject;
}

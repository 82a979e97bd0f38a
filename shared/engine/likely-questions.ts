import type { Catalog, Read, Template } from '../catalog/asset.ts';
import { factQuestions } from './facts.ts';
import { servedApiVersion } from './served-api.ts';
import type { Apis, Question } from './snapshot.ts';

/**
 * What a plan is nearly always going to ask, whatever HyperConverged says: what facts are taken from, and what assets of
 * the baseline read under a name of its own. Who asks it beside HyperConverged waits for the cluster once instead of twice.
 */
export function likelyQuestions({ assets }: Catalog, apis: Apis): readonly Question[] {
  const reads = assets
    .filter(({ install }) => install === 'always')
    .flatMap((asset) => Object.values(asset.reads))
    .filter(hasStaticIdentity);
  return [...factQuestions, ...reads.flatMap((read) => questionOf(read, apis))];
}

function hasStaticIdentity(read: Read): boolean {
  const templates = [read.namespace, read.read === 'object' ? read.name : undefined];
  return templates.every((template) => template === undefined || template.uses.length === 0);
}

/** None for what isn't served. */
function questionOf(read: Read, apis: Apis): Question[] {
  const apiVersion = servedApiVersion(apis, read.read === 'list' ? { ...read, apiVersions: [read.apiVersion] } : read);
  if (apiVersion === undefined) return [];
  const { kind } = read;
  const namespace = read.namespace === undefined ? {} : { namespace: textOf(read.namespace) };
  return read.read === 'list'
    ? [{ ask: 'list', apiVersion, kind, ...namespace }]
    : [{ ask: 'get', ref: { apiVersion, kind, ...namespace, name: textOf(read.name) } }];
}

/** A text that uses nothing of the context needs none. */
function textOf(template: Template<string>): string {
  return template.render({} as Parameters<typeof template.render>[0]);
}

import { usualNamespaces } from '../api/names.ts';
import type { Asset, Catalog, Read, Template } from '../catalog/asset.ts';
import { factQuestions } from './facts.ts';
import { hyperConvergedQuestions } from './find-hyper-converged.ts';
import { isReadBy } from './reads.ts';
import { isOpenShiftServed, servedApiVersion } from './served-api.ts';
import type { Apis, GetQuestion, Question, Snapshot } from './snapshot.ts';
import { namingFacts, targetOf, tombstoneRef } from './targets.ts';

/**
 * What a plan is nearly always going to ask, whatever HyperConverged says: HyperConverged, what facts are taken from,
 * what is read under a name of its own, and the objects of the baseline where HyperConverged usually is. Who asks all of
 * it first waits for the cluster once instead of three times. Nothing where there can be no HyperConverged.
 */
export function likelyQuestions({ assets, tombstones }: Catalog, snapshot: Snapshot): readonly Question[] {
  const { apis } = snapshot;
  const hyperConverged = hyperConvergedQuestions(snapshot);
  if (hyperConverged.length === 0) return [];
  const facts = namingFacts(undefined, { ...snapshot, namespace: snapshot.namespace ?? usualNamespace(apis) });
  const targets = [
    ...assets
      .filter(({ install, target }) => install === 'always' && servedApiVersion(apis, target) !== undefined)
      .map((asset) => targetOf(asset, apis, facts)),
    ...tombstones.map(tombstoneRef).filter((ref) => servedApiVersion(apis, { ...ref, apiVersions: [ref.apiVersion] })),
  ];
  return [
    ...hyperConverged,
    ...factQuestions,
    ...assets.flatMap(likelyReads).flatMap((read) => questionOf(read, apis)),
    ...targets.map((ref): GetQuestion => ({ ask: 'get', ref })),
  ];
}

/** Where HyperConverged usually is on such a cluster. */
export function usualNamespace(apis: Apis): string {
  return isOpenShiftServed(apis) ? usualNamespaces.openshift : usualNamespaces.kubernetes;
}

/** Every condition is looked at, and the body of what isn't opted in to. */
function likelyReads({ install, when, body, reads }: Asset): Read[] {
  const uses = [...when.flatMap((condition) => condition.uses), ...(install === 'always' ? body.uses : [])];
  return Object.entries(reads)
    .filter(([alias, read]) => isReadBy(uses, alias) && hasStaticIdentity(read))
    .map(([, read]) => read);
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

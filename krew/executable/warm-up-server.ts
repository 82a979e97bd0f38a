import { globSync, readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import type { JsonObject } from '../../shared/api/kubernetes-object.ts';
import { autopilotName, managedByLabel } from '../../shared/api/names.ts';
import type { CompiledCatalog } from '../../shared/catalog/compiled-catalog.ts';
import { parseYamlDocuments } from '../../shared/yaml/parse-yaml.ts';

/**
 * Answers as an API server does that has the objects of a folder and every manifest that was rendered in advance, as far as
 * the plugin asks for them to have its code run. Nobody tests against it.
 *
 * @returns its address, `http://…`
 */
export async function startWarmUpServer(catalog: CompiledCatalog, folder: string): Promise<string> {
  const objects = [...objectsIn(folder), ...manifestsOf(catalog)];
  const server = createServer((request, response) => void answer(request, response, objects));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  server.unref();
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

async function answer(request: IncomingMessage, response: ServerResponse, objects: readonly Stored[]): Promise<void> {
  const body = await text(request);
  const [url = ''] = (request.url ?? '').split('?');
  const reply = (status: number, value: unknown) => {
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value));
  };
  if (url === '/api' || url === '/apis') return reply(200, discovery(objects, url === '/api'));
  if (url === '/version') return reply(200, { major: '1', minor: '36', gitVersion: 'v1.36.0' });
  if (request.method !== 'GET') return reply(200, JSON.parse(body));
  const found = objects.find((stored) => url.endsWith(`/${stored.plural}/${stored.object.metadata.name}`));
  if (found !== undefined) return reply(200, found.object);
  const items = objects.filter(({ plural }) => url.endsWith(`/${plural}`)).map(({ object }) => object);
  if (items.length > 0) return reply(200, { kind: 'List', apiVersion: 'v1', metadata: {}, items });
  const group = /^\/apis\/([^/]+)/.exec(url)?.[1];
  const details = { group, name: url.split('/').at(-1), kind: url.split('/').at(-2) };
  return reply(404, { kind: 'Status', apiVersion: 'v1', status: 'Failure', reason: 'NotFound', details, code: 404 });
}

type Stored = {
  readonly plural: string;
  readonly namespaced: boolean;
  // biome-ignore lint/suspicious/noExplicitAny: objects of every kind.
  readonly object: any;
};

function discovery(objects: readonly Stored[], isCore: boolean) {
  const items = objects.flatMap(({ plural, namespaced, object: { apiVersion, kind } }) => {
    const [version = '', group = ''] = String(apiVersion).split('/').reverse();
    if ((group === '') !== isCore) return [];
    const scope = namespaced ? 'Namespaced' : 'Cluster';
    const resources = [{ resource: plural, responseKind: { group, version, kind }, scope, verbs: ['get', 'list'] }];
    return [{ metadata: { name: group }, versions: [{ version, resources, freshness: 'Current' }] }];
  });
  return { kind: 'APIGroupDiscoveryList', apiVersion: 'apidiscovery.k8s.io/v2', metadata: {}, items };
}

function objectsIn(folder: string): Stored[] {
  return globSync('*.yaml', { cwd: folder })
    .sort()
    .flatMap((file) => parseYamlDocuments(readFileSync(path.join(folder, file), 'utf8')))
    .map(({ value }) => stored(value as JsonObject));
}

function manifestsOf({ assets }: CompiledCatalog): Stored[] {
  return assets.flatMap(({ target, body: { prerendered = [] } }) => {
    const [apiVersion] = target.apiVersions;
    const name = target.name.source;
    const namespace = target.namespace?.source.replace(/\{\{.*\}\}/, 'openshift-cnv');
    const [known] = prerendered;
    if (known?.body === undefined || /\{\{/.test(name)) return [];
    const { metadata, ...body } = JSON.parse(known.body);
    const managed = [{ manager: autopilotName, operation: 'Apply', fieldsType: 'FieldsV1', fieldsV1: fieldsOf(body) }];
    const labels = { ...metadata?.labels, [managedByLabel]: autopilotName };
    const own = { ...metadata, labels, name, ...(namespace && { namespace }), managedFields: managed };
    return [stored({ apiVersion, kind: target.kind, ...body, metadata: own }, target.plural)];
  });
}

function stored(object: JsonObject, plural = `${String(object.kind).toLowerCase()}s`): Stored {
  const metadata = Object(object.metadata);
  return {
    plural,
    namespaced: metadata.namespace !== undefined,
    object: { ...object, metadata: { uid: 'u', resourceVersion: '1', ...metadata } },
  };
}

function fieldsOf(value: unknown): JsonObject {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return {};
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [`f:${key}`, fieldsOf(item)]));
}

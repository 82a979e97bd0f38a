import fc from 'fast-check';
import type { Cluster as Client } from '../../shared/kube/client.ts';
import { type AnyObject, type Cluster, waitFor } from '../helpers/cluster.ts';

/** Every kind of list and map that a schema can declare, inside one another too. */
const gadgetCrd = `
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: { name: gadgets.example.com }
spec:
  group: example.com
  scope: Cluster
  names: { kind: Gadget, plural: gadgets }
  versions:
    - name: v1
      served: true
      storage: true
      schema:
        openAPIV3Schema:
          type: object
          properties:
            spec:
              type: object
              properties:
                size: { type: integer }
                other: { type: string, nullable: true }
                either: { x-kubernetes-int-or-string: true }
                parts:
                  type: array
                  x-kubernetes-list-type: map
                  x-kubernetes-list-map-keys: [name]
                  items:
                    type: object
                    required: [name]
                    properties:
                      name: { type: string }
                      value: { type: integer }
                      unit: { type: string }
                      tags: { type: array, x-kubernetes-list-type: set, items: { type: string } }
                      limits: { type: object, x-kubernetes-map-type: atomic, additionalProperties: { type: integer } }
                ports:
                  type: array
                  x-kubernetes-list-type: map
                  x-kubernetes-list-map-keys: [port, protocol]
                  items:
                    type: object
                    required: [port]
                    properties:
                      port: { type: integer }
                      protocol: { type: string, default: TCP }
                      title: { type: string }
                settings: { type: object, additionalProperties: { type: string } }
                groups:
                  type: object
                  additionalProperties: { type: object, properties: { min: { type: integer }, max: { type: integer } } }
                list: { type: array, items: { type: string } }
                rows: { type: array, items: { type: object, properties: { a: { type: integer }, b: { type: integer, default: 7 } } } }
                names: { type: array, x-kubernetes-list-type: set, items: { type: string } }
                selector: { type: object, x-kubernetes-map-type: atomic, additionalProperties: { type: string } }
                chosen:
                  type: object
                  x-kubernetes-map-type: atomic
                  properties: { labels: { type: object, additionalProperties: { type: string } }, none: { type: boolean } }
                free: { type: object, x-kubernetes-preserve-unknown-fields: true }
`;

/** Has the cluster serve gadgets; until discovery tells of them, no plan knows. */
export async function serveGadgets(cluster: Cluster, client: Client): Promise<void> {
  await cluster.apply(gadgetCrd);
  await waitFor(
    async () =>
      (await cluster.request('GET', '/apis/example.com/v1/gadgets')).status === 200 &&
      (await client.discover()).resources.some(({ kind }) => kind === 'Gadget'),
    { what: 'gadgets to be served' },
  );
}

const word = fc.constantFrom('x', 'y', 'yes', '1', '');
const number = fc.integer({ min: -1, max: 3 });
const name = fc.constantFrom('a', 'b', 'c');
const mapOf = <Value>(value: fc.Arbitrary<Value>) => fc.dictionary(name, value, { maxKeys: 3, noNullPrototype: true });
const optional = { requiredKeys: [] } as { requiredKeys: [] };

const fields = {
  size: number,
  other: word,
  either: fc.oneof(number, word),
  parts: fc.uniqueArray(
    fc
      .record(
        {
          name,
          value: number,
          unit: word,
          tags: fc.uniqueArray(word, { maxLength: 2 }),
          limits: mapOf(number),
        },
        { requiredKeys: ['name'] },
      )
      .map((part): AnyObject => part),
    { maxLength: 3, selector: (part) => part.name },
  ),
  ports: fc.uniqueArray(
    fc.record(
      { port: fc.integer({ min: 1, max: 2 }), protocol: fc.constantFrom('TCP', 'UDP'), title: word },
      { requiredKeys: ['port'] },
    ),
    { maxLength: 3, selector: ({ port, protocol = 'TCP' }) => `${port} ${protocol}` },
  ),
  settings: mapOf(word),
  groups: mapOf(fc.record({ min: number, max: number }, optional)),
  list: fc.array(word, { maxLength: 3 }),
  rows: fc.array(fc.record({ a: number, b: number }, optional), { maxLength: 2 }),
  names: fc.uniqueArray(word, { maxLength: 3 }),
  selector: mapOf(word),
  chosen: fc.record({ labels: mapOf(word), none: fc.boolean() }, optional),
  free: mapOf(fc.oneof(number, word, mapOf(number), fc.array(number, { maxLength: 2 }))),
};

export const gadgetFields = Object.keys(fields) as readonly (keyof typeof fields)[];

/** What somebody may want of a gadget: anything that its schema takes. */
export const gadgetSpec: fc.Arbitrary<AnyObject> = fc.record(fields, optional);

/** The same of these fields, all of them. */
export function gadgetSpecOf(names: readonly (keyof typeof fields)[]): fc.Arbitrary<AnyObject> {
  return fc.record(Object.fromEntries(names.map((name) => [name, fields[name]])));
}

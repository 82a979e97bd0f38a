/** As an API server publishes it: a kind of a CRD, and one built in, whose schemas refer to others. */
export const openApi = {
  components: {
    schemas: {
      'com.example.v1.Gadget': {
        type: 'object',
        'x-kubernetes-group-version-kind': [{ group: 'example.com', kind: 'Gadget', version: 'v1' }],
        properties: {
          metadata: { $ref: '#/components/schemas/ObjectMeta' },
          spec: {
            type: 'object',
            properties: {
              size: { type: 'integer', minimum: 1, maximum: 10 },
              ratio: { type: 'number' },
              on: { type: 'boolean' },
              mode: { type: 'string', enum: ['Automatic', 'Predictive', ''] },
              other: { type: 'string', nullable: true },
              title: { type: 'string' },
              either: { 'x-kubernetes-int-or-string': true },
              parts: {
                type: 'array',
                items: { type: 'object', properties: { name: { type: 'string' }, value: { type: 'integer' } } },
              },
              settings: { type: 'object', additionalProperties: { type: 'string' } },
              free: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
              half: {
                type: 'object',
                'x-kubernetes-preserve-unknown-fields': true,
                properties: { known: { type: 'integer' } },
              },
            },
          },
        },
      },
      ObjectMeta: {
        type: 'object',
        properties: { name: { type: 'string' }, labels: { type: 'object', additionalProperties: { type: 'string' } } },
      },
      Pod: {
        type: 'object',
        'x-kubernetes-group-version-kind': [{ group: '', kind: 'Pod', version: 'v1' }],
        properties: {
          spec: { allOf: [{ $ref: '#/components/schemas/PodSpec' }], description: 'What is wanted.', default: {} },
        },
      },
      PodSpec: {
        type: 'object',
        properties: {
          containers: { type: 'array', items: { allOf: [{ $ref: '#/components/schemas/Container' }], default: {} } },
          cpu: { $ref: '#/components/schemas/Quantity' },
        },
      },
      Container: { type: 'object', properties: { image: { type: 'string' } } },
      Quantity: { oneOf: [{ type: 'string' }, { type: 'number' }] },
    },
  },
} as const;

export const gadget = { apiVersion: 'example.com/v1', kind: 'Gadget', name: 'one' };
export const pod = { apiVersion: 'v1', kind: 'Pod', namespace: 'x', name: 'one' };

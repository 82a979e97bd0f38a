import { boolean, integer, kinds, listOf, mapOf, number, object, oneOf, type Schema, text } from './_schema.ts';

const seconds = text(/^\d+(ms|s|m|h)$/);
const quantity = text(/^\d+(\.\d+)?(m|[kMGTPE]i?)?$/);
const resources = mapOf(quantity, /^(cpu|memory|ephemeral-storage|pid|hugepages-.+)$/);

/** kubelet.config.k8s.io/v1beta1 KubeletConfiguration, as far as anything here sets it. */
export const kubeletConfiguration: Schema = object(
  {},
  {
    apiVersion: oneOf('kubelet.config.k8s.io/v1beta1'),
    kind: oneOf('KubeletConfiguration'),
    cpuManagerPolicy: oneOf('none', 'static'),
    cpuManagerPolicyOptions: mapOf(
      oneOf('true', 'false'),
      /^(full-pcpus-only|distribute-cpus-across-numa|align-by-socket|strict-cpu-reservation|prefer-align-cpus-by-uncorecache)$/,
    ),
    cpuManagerReconcilePeriod: seconds,
    evictionHard: mapOf(text(/^\d+(\.\d+)?(%|[KMGT]i)$/), /^(memory|nodefs|imagefs|pid)\.(available|inodesFree)$/),
    failSwapOn: boolean,
    kubeReserved: resources,
    maxPods: integer(1, 2500),
    memoryManagerPolicy: oneOf('None', 'Static'),
    memorySwap: object({}, { swapBehavior: oneOf('NoSwap', 'LimitedSwap') }),
    nodeStatusMaxImages: integer(-1, 10_000),
    reservedMemory: listOf(object({ numaNode: integer(0, 1024), limits: resources }), { unique: 'numaNode' }),
    reservedSystemCPUs: text(/^\d+(-\d+)?(,\d+(-\d+)?)*$/),
    systemReserved: resources,
    topologyManagerPolicy: oneOf('none', 'best-effort', 'restricted', 'single-numa-node'),
    topologyManagerScope: oneOf('container', 'pod'),
  },
);

const path = text(/^\/[^\0]*[^/\0]$/);
const source = text(
  /^data:text\/plain;charset=utf-8;base64,([A-Za-z0-9+/]{4})*([A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/,
);

/** Ignition 3.5: what the machine-config operator takes of it, without compression. */
export const ignition: Schema = object(
  { ignition: object({ version: oneOf('3.5.0') }) },
  {
    storage: object(
      {},
      {
        files: listOf(
          object({ path, mode: oneOf(0o600, 0o644, 0o755), overwrite: boolean, contents: object({ source }) }),
          { unique: 'path' },
        ),
      },
    ),
    systemd: object(
      {},
      {
        units: listOf(
          object(
            { name: text(/^[\w:.@\\-]+\.(service|slice|mount|swap|timer|target|path|socket)$/) },
            {
              enabled: boolean,
              mask: boolean,
              contents: unit,
              dropins: listOf(object({ name: text(/^[\w.-]+\.conf$/), contents: unit }), { unique: 'name' }),
            },
          ),
          { unique: 'name' },
        ),
      },
    ),
  },
);

export const machineConfig: Schema = object(
  {},
  { config: ignition, kernelArguments: listOf(text(/^[a-z][\w.-]*(=[\w.,:-]+)?$/)) },
);

/** What units are made of here: a misspelt key is only a warning to systemd. */
const unitKeys: Readonly<Record<string, readonly string[]>> = {
  Unit: ['Description', 'After', 'Wants', 'Requires', 'ConditionFirstBoot', 'ConditionPathExists'],
  Service: [
    ...['Type', 'ExecStart', 'RemainAfterExit', 'Restart', 'RestartSec', 'TimeoutStopSec'],
    ...['StandardOutput', 'StandardError'],
  ],
  Slice: ['MemorySwapMax', 'IOWeight', 'CPUWeight', 'IODeviceLatencyTargetSec'],
  Install: ['WantedBy', 'RequiredBy'],
};

function unit(value: unknown, path: string): readonly string[] {
  if (typeof value !== 'string' || !value.endsWith('\n')) return [`${path} must be lines`];
  let section = '';
  return value.split('\n').flatMap((line) => {
    if (line === '' || line.startsWith('#')) return [];
    const [, name] = /^\[(\w+)\]$/.exec(line) ?? [];
    if (name !== undefined) {
      section = name;
      return Object.hasOwn(unitKeys, name) ? [] : [`${path}: there is no section ${name}`];
    }
    const [, key = ''] = /^(\w+)=./.exec(line) ?? [];
    return unitKeys[section]?.includes(key) ? [] : [`${path}: [${section}] has no ${line}`];
  });
}

const color = text(/^#[0-9A-Fa-f]{6}$/);
const unitOf = oneOf('decimal', 'seconds', 'percent', 'percent-decimal', 'ops/sec');
const format = object({ unit: unitOf }, { decimalPlaces: integer(0, 6), shortValues: boolean });
const legend = object(
  { position: oneOf('bottom', 'right') },
  { mode: oneOf('list', 'table'), values: listOf(oneOf('last-number', 'last', 'first', 'min', 'max', 'mean', 'sum')) },
);
const datasource = object({ kind: oneOf('PrometheusDatasource') }, { name: text(/^[a-z][a-z0-9-]*$/) });
const display = object({ name: text() }, { description: text(), hidden: boolean });

const plugins = kinds({
  TimeSeriesChart: object(
    {},
    {
      legend,
      visual: object({}, { lineWidth: number(0.25, 3), areaOpacity: number(0, 1), pointRadius: number(0, 6) }),
      yAxis: object({}, { format, min: number(), max: number(), label: text() }),
      querySettings: listOf(
        object({ queryIndex: integer(0, 20), colorMode: oneOf('fixed', 'fixed-single'), colorValue: color }),
      ),
    },
  ),
  Table: object(
    {},
    {
      density: oneOf('compact', 'standard', 'comfortable'),
      columnSettings: listOf(
        object(
          { name: text() },
          {
            header: text(),
            hide: boolean,
            enableSorting: boolean,
            sort: oneOf('asc', 'desc'),
            format,
            cellSettings: listOf(
              object(
                { condition: kinds({ Value: object({ value: text() }) }) },
                { text: text(), textColor: color, backgroundColor: color },
              ),
            ),
          },
        ),
        { unique: 'name' },
      ),
      transforms: listOf(kinds({ MergeSeries: object({}) })),
    },
  ),
  StatChart: object({ calculation: oneOf('last-number', 'last', 'sum', 'mean', 'max') }, { format }),
  StatusHistoryChart: object(
    {},
    {
      legend,
      mappings: listOf(kinds({ Value: object({ value: text(), result: object({ value: text() }, { color }) }) })),
    },
  ),
});

const query = kinds({
  TimeSeriesQuery: object({
    plugin: kinds({
      PrometheusTimeSeriesQuery: object(
        { query: text() },
        { datasource, seriesNameFormat: text(), minStep: seconds, resolution: integer(1, 100) },
      ),
    }),
  }),
});

/** A Perses dashboard's specification. */
export const dashboard: Schema = object(
  {
    duration: seconds,
    layouts: listOf(
      kinds({
        Grid: object({
          display: object({ title: text() }, { collapse: object({ open: boolean }) }),
          items: listOf(
            object({
              x: integer(0, 23),
              y: integer(0, 1000),
              width: integer(1, 24),
              height: integer(1, 100),
              content: object({ $ref: text(/^#\/spec\/panels\/[\w-]+$/) }),
            }),
          ),
        }),
      }),
    ),
    panels: mapOf(kinds({ Panel: object({ display, plugin: plugins, queries: listOf(query) }) }), /^[\w-]+$/),
  },
  {
    display,
    refreshInterval: seconds,
    variables: listOf(
      kinds({
        ListVariable: object(
          {
            name: text(/^[A-Za-z]\w*$/),
            plugin: kinds({
              PrometheusLabelValuesVariable: object(
                { labelName: text(/^[a-z_]\w*$/) },
                { datasource, matchers: listOf(text()) },
              ),
              StaticListVariable: object({ values: listOf(text()) }),
            }),
          },
          { display, allowAllValue: boolean, allowMultiple: boolean, customAllValue: text(), defaultValue: text() },
        ),
      }),
    ),
  },
);

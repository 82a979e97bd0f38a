import {
  type PersesColumn,
  type PersesDashboard,
  type PersesPanel,
  type PersesVariable,
  panelAt,
} from './perses-dashboard.ts';

type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

/**
 * A Perses dashboard as Grafana takes it (schema version 39): the same rows, panels and queries. Which Prometheus it
 * asks is a variable, since Grafana's datasources have other names than the console's.
 */
export function grafanaDashboard(uid: string, dashboard: PersesDashboard): string {
  const panels: Json[] = [];
  let top = 0;
  let id = 1;
  for (const { spec: row } of dashboard.layouts) {
    const isOpen = row.display.collapse?.open !== false;
    const inside = row.items.map(({ x, y, width, height, content }) =>
      panelOf(panelAt(dashboard, content.$ref), { x, y: top + 1 + y, w: width, h: height }, () => id++),
    );
    panels.push({
      type: 'row',
      id: id++,
      title: row.display.title,
      collapsed: !isOpen,
      gridPos: { x: 0, y: top, w: 24, h: 1 },
      panels: isOpen ? [] : inside,
    });
    if (isOpen) panels.push(...inside);
    top += 1 + (isOpen ? Math.max(...row.items.map(({ y, height }) => y + height)) : 0);
  }
  const refresh = dashboard.refreshInterval;
  const grafana: Json = {
    uid,
    title: dashboard.display.name,
    tags: ['virt-platform'],
    schemaVersion: 39,
    editable: true,
    graphTooltip: 1,
    time: { from: `now-${dashboard.duration}`, to: 'now' },
    refresh: refresh === undefined || refresh === '0s' ? '' : refresh,
    templating: {
      list: [
        { name: 'datasource', label: 'Prometheus', type: 'datasource', query: 'prometheus', refresh: 1 },
        ...(dashboard.variables ?? []).map(({ spec }) => variableOf(spec)),
      ],
    },
    panels,
  };
  // Lists of texts on one line, as the formatter has them.
  const text = JSON.stringify(grafana, null, 2).replace(/\[\n\s+("[^[\]{}]*")\n\s+\]/g, (_, items: string) => {
    return `[${items.replace(/\n\s+/g, ' ')}]`;
  });
  return `${text}\n`;
}

const datasource = { type: 'prometheus', uid: `\${datasource}` } as const;

function variableOf(variable: PersesVariable): Json {
  const { name, display, plugin, allowAllValue, allowMultiple, customAllValue, defaultValue } = variable;
  const all = defaultValue === '$__all' ? { text: 'All', value: '$__all' } : undefined;
  const common = {
    name,
    label: display?.name ?? name,
    multi: allowMultiple === true,
    includeAll: allowAllValue === true,
    ...(customAllValue !== undefined && { allValue: customAllValue }),
    ...(defaultValue !== undefined && { current: all ?? { text: defaultValue, value: defaultValue } }),
  };
  if (plugin.kind === 'StaticListVariable') return { ...common, type: 'custom', query: plugin.spec.values.join(',') };
  const { labelName, matchers = [] } = plugin.spec;
  const query = matchers.length === 0 ? `label_values(${labelName})` : `label_values(${matchers[0]}, ${labelName})`;
  // Asked again when the time range changes: nodes and virtual machines come and go.
  return { ...common, type: 'query', datasource, query: { query, refId: name }, refresh: 2, sort: 1 };
}

type Place = { readonly x: number; readonly y: number; readonly w: number; readonly h: number };

function panelOf({ display, plugin, queries }: PersesPanel, gridPos: Place, nextId: () => number): Json {
  const isTable = plugin.kind === 'Table';
  return {
    id: nextId(),
    title: display.name,
    ...(display.description !== undefined && { description: display.description }),
    gridPos,
    datasource,
    targets: queries.map(({ spec }, index) => {
      const { query, seriesNameFormat, minStep } = spec.plugin.spec;
      return {
        refId: String.fromCharCode(65 + index),
        datasource,
        expr: query,
        ...(seriesNameFormat !== undefined && { legendFormat: seriesNameFormat }),
        ...(minStep !== undefined && { interval: minStep }),
        ...(isTable ? { format: 'table', instant: true, range: false } : { range: true }),
      };
    }),
    ...shapeOf(plugin),
  };
}

function shapeOf({ kind, spec }: PersesPanel['plugin']): { readonly [key: string]: Json } {
  switch (kind) {
    case 'TimeSeriesChart':
      return {
        type: 'timeseries',
        options: {
          legend: {
            displayMode: spec.legend?.mode ?? 'list',
            placement: spec.legend?.position ?? 'bottom',
            calcs: (spec.legend?.values ?? []).map((value) => calculations[value] ?? value),
          },
          tooltip: { mode: 'multi', sort: 'desc' },
        },
        fieldConfig: {
          defaults: {
            ...(spec.yAxis?.format !== undefined && { unit: unitOf(spec.yAxis.format.unit) }),
            ...(spec.yAxis?.min !== undefined && { min: spec.yAxis.min }),
            ...(spec.yAxis?.max !== undefined && { max: spec.yAxis.max }),
            custom: {
              lineWidth: spec.visual?.lineWidth ?? 1,
              fillOpacity: Math.round((spec.visual?.areaOpacity ?? 0) * 100),
              showPoints: 'never',
            },
          },
          overrides: (spec.querySettings ?? []).map(({ queryIndex, colorValue }) => ({
            matcher: { id: 'byFrameRefID', options: String.fromCharCode(65 + queryIndex) },
            properties: [{ id: 'color', value: { mode: 'fixed', fixedColor: colorValue } }],
          })),
        },
      };
    case 'StatChart':
      return {
        type: 'stat',
        options: { reduceOptions: { calcs: ['lastNotNull'] }, colorMode: 'value', textMode: 'value_and_name' },
        fieldConfig: {
          defaults: {
            ...(spec.format !== undefined && {
              unit: unitOf(spec.format.unit),
              decimals: spec.format.decimalPlaces ?? 0,
            }),
          },
          overrides: [],
        },
      };
    case 'StatusHistoryChart':
      return {
        type: 'status-history',
        options: { legend: { displayMode: 'list', placement: spec.legend?.position ?? 'bottom' }, showValue: 'never' },
        fieldConfig: {
          defaults: {
            mappings: mappingsOf(
              (spec.mappings ?? []).map(({ spec: { value, result } }) => [value, result.value, result.color]),
            ),
          },
          overrides: [],
        },
      };
    case 'Table':
      return tableOf(spec.columnSettings ?? []);
    default:
      throw new Error(`Grafana's name of a ${kind} isn't known here`);
  }
}

/** Columns are named as Prometheus's table format does: labels as they are, the time, and the value of the query. */
function tableOf(columns: readonly PersesColumn[]): { readonly [key: string]: Json } {
  const fieldOf = (name: string) => ({ value: 'Value', timestamp: 'Time' })[name] ?? name;
  const shown = columns.filter(({ hide }) => hide !== true);
  const sorted = shown.filter(({ sort }) => sort !== undefined);
  return {
    type: 'table',
    options: {
      cellHeight: 'sm',
      sortBy: sorted.map(({ name, header, sort }) => ({ displayName: header ?? fieldOf(name), desc: sort === 'desc' })),
    },
    transformations: [
      { id: 'merge', options: {} },
      {
        id: 'organize',
        options: {
          excludeByName: Object.fromEntries(
            columns.filter(({ hide }) => hide).map(({ name }) => [fieldOf(name), true]),
          ),
          indexByName: Object.fromEntries(shown.map(({ name }, index) => [fieldOf(name), index])),
          renameByName: Object.fromEntries(
            shown.flatMap(({ name, header }) => (header === undefined ? [] : [[fieldOf(name), header]])),
          ),
        },
      },
    ],
    fieldConfig: {
      defaults: {},
      overrides: shown.flatMap(({ name, header, format, cellSettings = [] }) => {
        const values = cellSettings.map(
          ({ condition, text, textColor }) =>
            [condition.spec.value, text ?? condition.spec.value, textColor ?? 'text'] as const,
        );
        const properties: Json[] = [
          ...(format === undefined ? [] : [{ id: 'unit', value: unitOf(format.unit) }]),
          ...(values.length === 0
            ? []
            : [
                { id: 'mappings', value: mappingsOf(values) },
                { id: 'custom.cellOptions', value: { type: 'color-text' } },
              ]),
        ];
        const matcher = { id: 'byName', options: header ?? fieldOf(name) };
        return properties.length === 0 ? [] : [{ matcher, properties }];
      }),
    },
  };
}

function mappingsOf(values: readonly (readonly [string, string, string])[]): Json {
  const options = Object.fromEntries(values.map(([value, text, color], index) => [value, { text, color, index }]));
  return [{ type: 'value', options }];
}

const calculations: Readonly<Record<string, string>> = {
  'last-number': 'lastNotNull',
  max: 'max',
  min: 'min',
  mean: 'mean',
};

function unitOf(unit: string): string {
  const known: Readonly<Record<string, string>> = {
    decimal: 'short',
    seconds: 's',
    percent: 'percent',
    'percent-decimal': 'percentunit',
    'ops/sec': 'ops',
  };
  const name = known[unit];
  if (name === undefined) throw new Error(`Grafana's name of the unit ${unit} isn't known here`);
  return name;
}

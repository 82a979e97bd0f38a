/** What is looked at of a Perses dashboard's `spec.config`; test/unit/assets checks that there is nothing else. */
export type PersesDashboard = {
  readonly display: { readonly name: string };
  readonly duration: string;
  readonly refreshInterval?: string;
  readonly variables?: readonly { readonly spec: PersesVariable }[];
  readonly layouts: readonly { readonly spec: PersesRow }[];
  readonly panels: Readonly<Record<string, { readonly spec: PersesPanel }>>;
};

export type PersesVariable = {
  readonly name: string;
  readonly display?: { readonly name: string };
  readonly allowAllValue?: boolean;
  readonly allowMultiple?: boolean;
  readonly customAllValue?: string;
  readonly defaultValue?: string;
  readonly plugin:
    | {
        readonly kind: 'PrometheusLabelValuesVariable';
        readonly spec: { readonly labelName: string; readonly matchers?: readonly string[] };
      }
    | { readonly kind: 'StaticListVariable'; readonly spec: { readonly values: readonly string[] } };
};

export type PersesRow = {
  readonly display: { readonly title: string; readonly collapse?: { readonly open: boolean } };
  readonly items: readonly {
    readonly x: number;
    readonly y: number;
    readonly width: number;
    readonly height: number;
    readonly content: { readonly $ref: string };
  }[];
};

export type PersesPanel = {
  readonly display: { readonly name: string; readonly description?: string };
  readonly plugin: { readonly kind: string; readonly spec: PersesPluginSpec };
  readonly queries: readonly {
    readonly spec: {
      readonly plugin: {
        readonly spec: { readonly query: string; readonly seriesNameFormat?: string; readonly minStep?: string };
      };
    };
  }[];
};

export type PersesPluginSpec = {
  readonly legend?: { readonly mode?: string; readonly position: string; readonly values?: readonly string[] };
  readonly visual?: { readonly lineWidth?: number; readonly areaOpacity?: number };
  readonly yAxis?: { readonly format?: { readonly unit: string }; readonly min?: number; readonly max?: number };
  readonly format?: { readonly unit: string; readonly decimalPlaces?: number };
  readonly querySettings?: readonly { readonly queryIndex: number; readonly colorValue: string }[];
  readonly mappings?: readonly {
    readonly spec: { readonly value: string; readonly result: { readonly value: string; readonly color: string } };
  }[];
  readonly columnSettings?: readonly PersesColumn[];
};

export type PersesColumn = {
  readonly name: string;
  readonly header?: string;
  readonly hide?: boolean;
  readonly sort?: 'asc' | 'desc';
  readonly format?: { readonly unit: string };
  readonly cellSettings?: readonly {
    readonly condition: { readonly spec: { readonly value: string } };
    readonly text?: string;
    readonly textColor?: string;
  }[];
};

/** The panel that a place in a row refers to. */
export function panelAt(dashboard: PersesDashboard, ref: string): PersesPanel {
  const panel = dashboard.panels[ref.replace('#/spec/panels/', '')];
  if (panel === undefined) throw new Error(`There is no ${ref}`);
  return panel.spec;
}

import type { ObjectRef } from '../api/object-ref.ts';

/** What a template, a `when` or a `readyWhen` expression looks at, named as in docs (see facts of the render context). */
export type RenderContext = {
  /** Effective HyperConverged, v1-shaped whatever version is served, plus `namespace` and `name` at its top. */
  readonly hyperConverged: HyperConvergedFacts;
  /** HyperConverged's annotations. */
  readonly annotations: Readonly<Record<string, string>>;
  /** The gates that are on: `'CPUManager' in featureGates`. */
  readonly featureGates: Readonly<Record<string, true>>;
  readonly hardware: HardwareFacts;
  readonly topology: TopologyFacts;
  /** Image references by name, from RELATED_IMAGE_* (`kubevirt-metrics-exporter`). */
  readonly images: Readonly<Record<string, string>>;
  /** The asset's (and variant's) own params. */
  readonly params: Readonly<Record<string, string>>;
  /** Declared reads by alias: an object or null; a list, possibly empty. */
  readonly objects: Readonly<Record<string, unknown>>;
};

export type HyperConvergedFacts = {
  readonly apiVersion: string;
  readonly namespace: string;
  readonly name: string;
  readonly metadata: Readonly<Record<string, unknown>>;
  /** v1's shape: what v1beta1 keeps at spec.X and v1 at spec.virtualization.X is found at spec.virtualization.X. */
  readonly spec: Readonly<Record<string, unknown>>;
};

export type HardwareFacts = {
  readonly pciDevicesPresent: boolean;
  readonly gpuPresent: boolean;
  readonly vfioCapable: boolean;
  readonly usbDevicesPresent: boolean;
  readonly numaNodesPresent: boolean;
};

export type TopologyFacts = {
  readonly isOpenShift: boolean;
  readonly isHCP: boolean;
  readonly isCompact: boolean;
  readonly hasSchedulableMasters: boolean;
  readonly controlPlaneTopology: string;
  readonly cloudProvider: string;
  readonly isAWS: boolean;
  readonly isAzure: boolean;
  readonly isGCP: boolean;
  readonly isBareMetal: boolean;
  readonly isVSphere: boolean;
  readonly isOpenStack: boolean;
  readonly masterCount: number;
  readonly workerCount: number;
  readonly totalNodeCount: number;
};

/**
 * A compiled CEL expression that yields a boolean.
 *
 * @example `topology.workerCount > 0`, `enabled('mtv')`, `'CPUManager' in featureGates`
 */
export type Condition = {
  readonly expression: string;
  /** Static paths the expression reads, dotted: `topology.workerCount`, `objects.rules`, `object.status`. */
  readonly uses: readonly string[];
  /** Never throws: an expression that fails, or yields no boolean, is an `error`. `saw` holds the values at `uses`. */
  readonly evaluate: (variables: Readonly<Record<string, unknown>>) => ConditionResult;
};

export type ConditionResult = { readonly saw: Readonly<Record<string, unknown>> } & (
  | { readonly result: 'met' | 'unmet' }
  | { readonly result: 'error'; readonly message: string }
);

/** A cluster object, or a list of them, that an asset's template or conditions look at; RBAC and watches derive from it. */
export type Read =
  | ({ readonly read: 'object' } & Identity)
  | {
      readonly read: 'list';
      readonly apiVersion: string;
      readonly kind: string;
      /** Lower case; derived from the kind unless declared. */
      readonly plural: string;
      readonly namespace?: Template<string>;
    };

/** An identity whose namespace and name may interpolate `params.*` and `hyperConverged.namespace`; `apiVersion` as served. */
export type Identity = {
  /** Best first; the first that is served is used. */
  readonly apiVersions: readonly string[];
  readonly kind: string;
  /** The resource's plural, lower case; derived from the kind unless declared. */
  readonly plural: string;
  /** Absent: cluster-scoped. */
  readonly namespace?: Template<string>;
  readonly name: Template<string>;
};

/** Something rendered from the context. Pure and deterministic. */
export type Template<Result> = {
  /** Static paths that it reads, dotted, as in {@link Condition.uses}. */
  readonly uses: readonly string[];
  /** @throws RenderError with what and where (file, line). */
  readonly render: (context: RenderContext) => Result;
};

/**
 * One object that the baseline keeps, in one variant. What the catalog's file says, checked and compiled.
 * The list in a {@link Catalog} is sorted: HyperConverged's first, then by order, then by name.
 */
export type Asset = {
  /** Unique: the file's name, followed by the variant's (`psi-enable`, `psi-enable-master`). */
  readonly name: string;
  /** Path of the asset's file, relative to the catalog's folder. */
  readonly file: string;
  /** The first of {@link Asset.features}. */
  readonly feature?: string;
  /** Names in features.yaml: an object that several features need belongs to each. */
  readonly features: readonly string[];
  /** For activation by group name. */
  readonly group?: string;
  readonly install: 'always' | 'opt-in';
  readonly order: number;
  /** True where switching it off hides trouble from people (alerts, metrics, remediation). */
  readonly protects: boolean;
  readonly target: Identity;
  /** Names of CRDs (`plural.group`) that must be served besides the target's own. */
  readonly gates: readonly string[];
  readonly when: readonly Condition[];
  readonly reads: Readonly<Record<string, Read>>;
  readonly params: Readonly<Record<string, string>>;
  /** Names of assets that must be in place before this one. */
  readonly dependsOn: readonly string[];
  /** Over `object`, the live object: when those that depend on it may go on. Absent: once it exists. */
  readonly readyWhen?: Condition;
  readonly readyTimeoutMs: number;
  /** The body without identity: `undefined` when the template renders to nothing. */
  readonly body: Template<Readonly<Record<string, unknown>> | undefined>;
};

/** Something a past version created and no version wants any more. */
export type Tombstone = {
  readonly name: string;
  readonly file: string;
  readonly target: ObjectRef & { readonly plural: string };
};

/** A validated catalog: names and targets unique, dependencies acyclic, everything compiled. */
export type Catalog = {
  /** `sha256:…` over names and contents of its files. */
  readonly digest: string;
  readonly assets: readonly Asset[];
  readonly tombstones: readonly Tombstone[];
  readonly features: readonly Feature[];
};

export type Feature = {
  readonly name: string;
  readonly title: string;
  readonly description: string;
  readonly maturity?: 'dp' | 'tp' | 'ga';
  /** Virtual machines only, or pods too. */
  readonly concerns: 'vms' | 'all';
  /** It can't work without. */
  readonly requires?: readonly string[];
  /** Makes it better, or easier to see. */
  readonly recommended?: readonly string[];
};

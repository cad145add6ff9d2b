import type { KubeLike } from './object.ts';

/** What metrics-server would know, asked at every request of `metrics.k8s.io`. */
export interface MetricsProvider {
  nodes(): readonly NodeUsage[];
  /** Pods of one namespace, or of all. A pod without a sample (pending, finished, too young) is left out, as metrics-server does. */
  pods(namespace?: string): readonly PodUsage[];
}

export interface NodeUsage {
  readonly name: string;
  readonly labels?: Readonly<Record<string, string>>;
  /** Quantities as metrics-server writes them: `412346781n`, `81234Ki`. */
  readonly cpu: string;
  readonly memory: string;
  /** Epoch milliseconds of the sample; the time of the request when left out. */
  readonly at?: number;
  /** Length of the sampling window, in seconds; 20 when left out. */
  readonly windowSeconds?: number;
}

export interface PodUsage {
  readonly namespace: string;
  readonly name: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly containers: readonly { readonly name: string; readonly cpu: string; readonly memory: string }[];
  readonly at?: number;
  readonly windowSeconds?: number;
}

export interface LogLine {
  /** Epoch milliseconds. */
  readonly at: number;
  /** Without the line feed. */
  readonly text: string;
}

/** The log of one container run. */
export interface LogSource {
  /** What has been written up to now, oldest first. */
  readonly lines: readonly LogLine[];
  /**
   * Calls back for every line written from now on, and once with undefined when the container ends.
   * Missing: the container has ended, and `follow` ends after `lines`. Returns the way to stop.
   */
  readonly follow?: (onLine: (line: LogLine | undefined) => void) => () => void;
}

/** Gives the log of a container that the server has already found to exist and to have run. */
export type LogsProvider = (
  pod: KubeLike,
  container: string,
  which: { readonly previous: boolean },
) => LogSource | undefined;

/** What `loadScenario` gives back: the story keeps running until `stop`. */
export interface Scenario {
  stop(): void;
  readonly metrics: MetricsProvider;
  readonly logs: LogsProvider;
  /** As `/version` says it: `v1.36.3`. */
  readonly serverVersion: string;
}

export interface ScenarioOptions {
  /** Totals, the story's own included. */
  readonly nodes?: number;
  readonly pods?: number;
  readonly seed?: number;
  /** Nothing moves. */
  readonly still?: boolean;
  readonly now: () => number;
}

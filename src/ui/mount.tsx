import { PassThrough, Writable } from 'node:stream';
import { type Instance, type RenderOptions, render } from 'ink';
import { type ComponentType, type ReactElement, useSyncExternalStore } from 'react';
import type { Key } from './keys.ts';
import { createFramePump, type FrameReason } from './pump.ts';
import { createSlots, type Slots, SlotsContext } from './slots.ts';
import type { Terminal } from './terminal.ts';

export interface ScreenSize {
  readonly columns: number;
  readonly rows: number;
}

export interface MountOptions {
  readonly terminal: Pick<Terminal, 'output' | 'onKey'>;
  /** Changes state; the frame that shows it is drawn in the same turn. */
  readonly onKey: (key: Key) => void;
  /**
   * `frames`: whole frames through our own differ. `stock` (`MLTOP_RENDERER=stock`): Ink writes to the terminal itself,
   * for when the differ is suspected. Default: frames.
   */
  readonly renderer?: 'frames' | 'stock';
}

export interface Mounted {
  /** Draws the state as it is now: at once for a key, at most 10 times a second for data, never while the terminal is behind. */
  readonly requestFrame: (reason: FrameReason) => void;
  readonly unmount: () => Promise<void>;
  /** Resolves after `unmount`; rejects with what a component threw. */
  readonly done: Promise<void>;
}

/**
 * Renders a component that fills the screen: it must draw exactly `rows` lines (`Frame` does). It is given the size, is
 * drawn again on resize and on `requestFrame`, and may read stores as it likes.
 */
export function mount(
  App: ComponentType<ScreenSize>,
  { terminal, onKey, renderer = 'frames' }: MountOptions,
): Mounted {
  const { output } = terminal;
  const slots = renderer === 'stock' ? undefined : createSlots();
  let version = 0;
  let onChange: () => void = () => undefined;
  const subscribe = (listener: () => void): (() => void) => {
    onChange = listener;
    return () => {
      onChange = () => undefined;
    };
  };
  function Root(): ReactElement {
    useSyncExternalStore(subscribe, () => version);
    return (
      <SlotsContext value={slots}>
        <App {...output.size()} />
      </SlotsContext>
    );
  }
  const draw = (): void => {
    version++;
    onChange();
  };
  const pump = createFramePump({ draw, isBackedUp: output.isBackedUp });

  // Every frame comes from `draw`, not from `rerender`, which would defeat every memo (Ink gives its context a new value then).
  let instance = start();
  const { promise: done, resolve, reject } = Promise.withResolvers<void>();
  watch(instance);

  function start(): Instance {
    return render(<Root />, slots === undefined ? stockOptions(terminal) : frameOptions(terminal, slots));
  }

  function watch(current: Instance): void {
    current.waitUntilExit().then(
      () => {
        if (current === instance) resolve();
      },
      (error: unknown) => reject(error),
    );
  }

  const stopListening = [
    terminal.onKey((key) => {
      onKey(key);
      pump.request('key');
    }),
    output.onResize(() => pump.request('key')),
    output.onRelease(() => {
      if (renderer !== 'stock') return;
      // Stock Ink draws relative to what it drew last, which is no longer there.
      const before = instance;
      before.unmount();
      instance = start();
      watch(instance);
    }),
  ];

  return {
    requestFrame: pump.request,
    get done() {
      return done;
    },
    async unmount() {
      pump.stop();
      for (const stop of stopListening) stop();
      instance.unmount();
      await done.catch(() => undefined);
    },
  };
}

/** Common to both renderers: Ink owns neither input nor modes, and CI in the environment does not turn it off. */
function baseOptions(): RenderOptions {
  return {
    stdin: new PassThrough(),
    interactive: true,
    alternateScreen: false,
    exitOnCtrlC: false,
    patchConsole: false,
    maxFps: 1000,
  };
}

/** Debug mode writes every commit as one whole frame: the public way to get frames out of Ink. */
function frameOptions({ output }: MountOptions['terminal'], slots: Slots): RenderOptions {
  const stdout = streamTo(output, (text) => {
    if (!inkControl.test(text)) output.frame(slots.fill(text, output.size().columns));
  });
  return { ...baseOptions(), debug: true, stdout };
}

/** Cursor and mode sequences that Ink writes by itself; `terminal.ts` owns the terminal's modes. */
const inkControl = /^(?:\x1b\[[?<>=]?[\d;]*[a-zA-Z])*$/;

function stockOptions({ output }: MountOptions['terminal']): RenderOptions {
  const stdout = streamTo(output, output.control);
  output.onResize(() => stdout.emit('resize'));
  return { ...baseOptions(), incrementalRendering: true, stdout };
}

/** What Ink takes for a terminal's stdout. */
function streamTo(output: Terminal['output'], take: (text: string) => void): Writable {
  const stream = new Writable({
    decodeStrings: false,
    write(chunk, _encoding, done) {
      take(String(chunk));
      done();
    },
  });
  return Object.defineProperties(stream, {
    isTTY: { value: true },
    columns: { get: () => output.size().columns },
    rows: { get: () => output.size().rows },
  });
}

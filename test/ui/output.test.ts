import { EventEmitter } from 'node:events';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { createFrameOutput, type TerminalSink } from '../../src/ui/output.ts';
import { createFramePump } from '../../src/ui/pump.ts';

/** A terminal that takes a write only when it is told to. */
function slowSink() {
  const events = new EventEmitter();
  const writes: string[] = [];
  const waiting: (() => void)[] = [];
  const sink: TerminalSink & { columns: number; rows: number } = {
    columns: 40,
    rows: 6,
    write(bytes, done) {
      writes.push(bytes);
      waiting.push(() => done?.());
      return false;
    },
    on: (event, listener) => events.on(event, listener),
    off: (event, listener) => events.off(event, listener),
  };
  return {
    sink,
    writes,
    events,
    takeAll() {
      while (waiting.length > 0) waiting.shift()?.();
    },
    take: () => waiting.shift()?.(),
  };
}

describe('a slow link', () => {
  test('one write is under way at a time, and the newest frame wins', () => {
    const { sink, writes, take } = slowSink();
    const output = createFrameOutput({ stdout: sink });
    output.frame('one');
    for (const text of ['two', 'three', 'four']) output.frame(text);
    expect(writes.length).toBe(1);
    expect(output.isBackedUp()).toBe(true);
    take();
    expect(writes.length).toBe(2);
    expect(writes[1]).toContain('four');
    expect(writes[1]).not.toContain('two');
    take();
    expect(output.isBackedUp()).toBe(false);
    expect(output.stats).toMatchObject({ frames: 2, dropped: 2 });
  });

  test('what the kernel swallows is measured by asking the terminal', async () => {
    const { sink, writes, takeAll } = slowSink();
    const output = createFrameOutput({ stdout: sink });
    output.startFlowControl();
    const frame = (text: string): void => {
      output.frame(
        Array.from({ length: 6 }, (_, row) => `\x1b[3${(row % 7) + 1}m${text.repeat(40)}`).join('\n'),
      );
      takeAll();
    };
    for (const letter of 'abcdefghijklmn') frame(letter);
    const bytesUnderWay = writes.join('').length;
    expect(writes.join('')).toContain('\x1b[5n');
    expect(bytesUnderWay).toBeLessThan(3000);
    expect(writes.join('')).not.toContain('nnnn');
    output.acknowledge();
    takeAll();
    expect(writes.at(-1)).toContain('nnnn');
    expect(writes.at(-1)).not.toContain('mmmm');
  });

  describe('an answer that does not come', () => {
    beforeEach(() => {
      vi.useFakeTimers();
    });
    afterEach(() => {
      vi.useRealTimers();
    });

    /** A terminal that takes every byte; frames are six lines of one letter. */
    function given() {
      const { sink, writes, takeAll } = slowSink();
      const output = createFrameOutput({ stdout: sink });
      output.startFlowControl();
      const show = (letters: string): void => {
        for (const letter of letters) {
          output.frame(Array.from({ length: 6 }, () => letter.repeat(40)).join('\n'));
          takeAll();
        }
      };
      const later = (ms: number): void => {
        vi.advanceTimersByTime(ms);
        takeAll();
      };
      return { output, show, later, writes, written: () => writes.join('') };
    }

    test('from a terminal whose keys come is waited for once, and no more until it answers again', () => {
      const { output, show, later, written, writes } = given();
      show('abcdefghijklmn');
      expect(written()).not.toContain('nnnn');
      output.heard();
      later(5000);
      expect(written()).toContain('nnnn');
      show('opqrstuvwxyz');
      expect(writes.at(-1)).toContain('zzzz');
      output.acknowledge();
      show('ABCDEFGHIJKLMN');
      expect(written()).not.toContain('NNNN');
    });

    test('over a link that hangs costs a few bytes, whatever there is to show, and the newest is there when it is back', () => {
      const { output, show, later, writes, written } = given();
      show('abcdefghijklmn');
      const before = written().length;
      for (let second = 0; second < 60; second++) {
        show(String.fromCharCode(0x100 + second));
        later(1000);
      }
      expect(written().length - before).toBeLessThan(2000);
      show('Z');
      expect(written()).not.toContain('ZZZZ');
      output.acknowledge();
      expect(writes.at(-1)).toContain('ZZZZ');
    });

    test('from a terminal that shows and says nothing leaves a frame now and then', () => {
      const { show, later, written } = given();
      show('abcdefghijklmn');
      expect(written()).not.toContain('nnnn');
      for (let second = 0; second < 30; second++) later(1000);
      expect(written()).toContain('nnnn');
    });

    test('while the terminal is lent is not asked for', () => {
      const { output, show, later, writes } = given();
      show('abcdefghijklmn');
      output.hold();
      const before = writes.length;
      later(60_000);
      expect(writes.length).toBe(before);
      output.release();
      expect(writes.at(-1)).toContain('nnnn');
    });
  });
});

describe('writing', () => {
  test('a frame is one write; only a big one needs a synchronised update', () => {
    const { sink, writes, takeAll } = slowSink();
    const output = createFrameOutput({ stdout: sink });
    output.frame(Array.from({ length: 6 }, (_, row) => `row ${row}`.repeat(5)).join('\n'));
    takeAll();
    output.frame(
      Array.from({ length: 6 }, (_, row) => (row === 2 ? 'row X'.repeat(5) : `row ${row}`.repeat(5))).join(
        '\n',
      ),
    );
    takeAll();
    expect(writes[0]).toMatch(/^\x1b\[\?2026h.*\x1b\[\?2026l$/s);
    expect(writes[1]).not.toContain('2026');
    expect(writes.length).toBe(2);
  });

  test('while it is held, nothing is written; after that, everything', () => {
    const { sink, writes, takeAll } = slowSink();
    const output = createFrameOutput({ stdout: sink });
    output.frame('before');
    takeAll();
    output.hold();
    output.frame('during');
    output.control('\x1b]2;title\x07');
    expect(writes.length).toBe(1);
    output.release();
    takeAll();
    expect(writes.at(-1)).toContain('during');
    output.hold();
    output.release();
    takeAll();
    expect(writes.at(-1)).toContain('during');
  });

  test('after a resize the next frame is painted whole', () => {
    const { sink, writes, events, takeAll } = slowSink();
    const output = createFrameOutput({ stdout: sink });
    output.frame('one\ntwo');
    takeAll();
    sink.columns = 20;
    let isTold = false;
    output.onResize(() => {
      isTold = true;
    });
    events.emit('resize');
    output.frame('one\ntwo');
    expect(isTold).toBe(true);
    expect(writes.at(-1)).toContain('one');
  });

  test('a terminal that is gone is reported once, and written to no more', () => {
    const { sink, writes, events } = slowSink();
    const errors: string[] = [];
    const output = createFrameOutput({ stdout: sink, onBroken: (error) => errors.push(error.message) });
    events.emit('error', new Error('write EPIPE'));
    output.frame('lost');
    expect(errors).toEqual(['write EPIPE']);
    expect(writes).toEqual([]);
  });

  test('settled waits for the last byte, but not for ever', async () => {
    const { sink, takeAll } = slowSink();
    const output = createFrameOutput({ stdout: sink });
    output.frame('one');
    const settled = output.settled(60_000);
    takeAll();
    await settled;
    output.frame('two');
    await output.settled(1);
    expect(output.isBackedUp()).toBe(true);
  });
});

describe('the frame pump', () => {
  beforeEach(() => {
    vi.useFakeTimers();
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  function pumpOf(isBackedUp: () => boolean = () => false) {
    const drawn: number[] = [];
    return {
      drawn,
      pump: createFramePump({ draw: () => drawn.push(Date.now()), isBackedUp, now: () => Date.now() }),
    };
  }

  test('data draws at most ten times a second, however much of it there is', () => {
    const { drawn, pump } = pumpOf();
    for (let ms = 0; ms < 990; ms++) {
      pump.request('data');
      vi.advanceTimersByTime(1);
    }
    expect(drawn.length).toBe(10);
  });

  test('a key draws at once, and takes the waiting data with it', () => {
    const { drawn, pump } = pumpOf();
    pump.request('data');
    vi.advanceTimersByTime(1);
    pump.request('data');
    pump.request('key');
    expect(drawn.length).toBe(2);
    vi.advanceTimersByTime(500);
    expect(drawn.length).toBe(2);
  });

  test('data waits while the terminal is behind', () => {
    let isBehind = true;
    const { drawn, pump } = pumpOf(() => isBehind);
    pump.request('data');
    vi.advanceTimersByTime(1000);
    expect(drawn).toEqual([]);
    isBehind = false;
    vi.advanceTimersByTime(100);
    expect(drawn.length).toBe(1);
  });

  test('nothing is drawn after the end', () => {
    const { drawn, pump } = pumpOf();
    pump.request('data');
    pump.stop();
    pump.request('key');
    vi.advanceTimersByTime(1000);
    expect(drawn).toEqual([]);
  });
});

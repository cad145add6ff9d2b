import { cleanup, render } from 'ink-testing-library';
import { afterEach, expect, test } from 'vitest';
import { Lines } from '../../src/ui/Lines.tsx';
import { Spinner } from '../../src/ui/Spinner.tsx';
import { StaticTable } from '../../src/ui/StaticTable.tsx';
import { themeNamed } from '../../src/ui/theme.ts';

const theme = themeNamed('mono', { level: 0, glyphs: 'unicode' });

afterEach(() => cleanup());

test('lines fill exactly the height that they are given', () => {
  const { lastFrame } = render(<Lines lines={['first', 'second', 'third']} height={2} />);
  expect(lastFrame()).toBe('first\nsecond');
});

test('a line that changes is drawn anew, the others stay', () => {
  const { lastFrame, rerender } = render(<Lines lines={['NAME', 'a']} height={2} />);
  rerender(<Lines lines={['NAME', 'b']} height={2} />);
  expect(lastFrame()).toBe('NAME\nb');
});

test('a spinner says what is waited for', () => {
  const { lastFrame } = render(<Spinner theme={theme} label="pods: 1,500 so far" />);
  expect(lastFrame()).toContain('pods: 1,500 so far');
});

test('a small fixed table has its headings and cells', () => {
  const { lastFrame } = render(<StaticTable theme={theme} data={[{ CONTAINER: 'main', RESTARTS: 3 }]} />);
  expect(lastFrame()).toMatch(/CONTAINER[\s\S]*RESTARTS[\s\S]*main[\s\S]*3/);
});

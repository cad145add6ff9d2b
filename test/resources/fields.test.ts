import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  ageText,
  amount,
  amounts,
  humanDuration,
  isSame,
  labels,
  quantity,
  time,
} from '../../src/resources/fields.ts';

describe('durations are printed as kubectl prints them', () => {
  const day = 86_400;
  test.each([
    [-2, '<invalid>'],
    [-1, '0s'],
    [0, '0s'],
    [119, '119s'],
    [120, '2m'],
    [125, '2m5s'],
    [599, '9m59s'],
    [600, '10m'],
    [10_799, '179m'],
    [10_800, '3h'],
    [11_100, '3h5m'],
    [28_800, '8h'],
    [172_799, '47h'],
    [172_800, '2d'],
    [176_400, '2d1h'],
    [691_200, '8d'],
    [729 * day, '729d'],
    [730 * day, '2y'],
    [731 * day, '2y1d'],
    [8 * 365 * day, '8y'],
    [2_025 * 365 * day, '292y'],
  ])('%d s is %s', (seconds, text) => {
    expect(humanDuration(seconds * 1000)).toBe(text);
  });

  test('a fraction of a second below zero is no clock skew', () => {
    expect(humanDuration(-1_900)).toBe('0s');
    expect(humanDuration(-2_000)).toBe('<invalid>');
  });

  test('an age without a time is unknown, not zero', () => {
    expect(ageText(undefined, 1_000)).toBe('<unknown>');
  });
});

describe('quantities', () => {
  test.each([
    ['8', 8],
    ['500m', 0.5],
    ['123456789n', 0.123456789],
    ['100u', 0.0001],
    ['1.5Gi', 1.5 * 2 ** 30],
    ['1024Ki', 2 ** 20],
    ['12E', 12e18],
    ['12E5', 12e5],
    ['1e3', 1000],
    ['1e-3', 0.001],
    ['.5', 0.5],
    ['5.', 5],
    ['-3', -3],
    ['+3', 3],
    ['1Ei', 2 ** 60],
    ['2k', 2000],
  ])('%s is %d', (text, value) => {
    expect(quantity(text)).toBeCloseTo(value, 12);
  });

  test.each([
    '',
    ' ',
    'abc',
    '1 Gi',
    '1gi',
    '1K',
    '--1',
    '1e',
    'NaN',
    'Infinity',
    '0x10',
    '1e999',
    '1'.repeat(65),
  ])('what is no quantity (%j) is undefined, not zero', (text) => {
    expect(quantity(text)).toBeUndefined();
  });

  test.each([null, undefined, {}, [], true, Number.NaN])('nor is %j', (value) => {
    expect(quantity(value)).toBeUndefined();
  });

  test('cpu is counted in millicores, rounded up as the scheduler does, without the noise of fractions', () => {
    expect(amount('cpu', '1.1')).toBe(1100);
    expect(amount('cpu', '100n')).toBe(1);
    expect(amount('cpu', '3.75')).toBe(3750);
    expect(amount('cpu', '0.1')).toBe(100);
  });

  test('memory stays exact up to a petabyte', () => {
    expect(amount('memory', '1Pi')).toBe(2 ** 50);
    expect(amount('memory', '100m')).toBe(1);
  });

  test('an amount that cannot be read is left out', () => {
    expect(amounts({ cpu: '1', memory: 'lots', 'nvidia.com/gpu': '8', x: null })).toEqual({
      cpu: 1000,
      'nvidia.com/gpu': 8,
    });
  });

  test('whole numbers survive any suffix', () => {
    fc.assert(
      fc.property(fc.nat(1_000_000), fc.constantFrom('', 'k', 'M', 'Ki', 'Mi', 'Gi'), (whole, suffix) => {
        const factor = { '': 1, k: 1e3, M: 1e6, Ki: 2 ** 10, Mi: 2 ** 20, Gi: 2 ** 30 }[suffix] ?? 1;
        expect(quantity(`${whole}${suffix}`)).toBe(whole * factor);
      }),
    );
  });
});

describe('times', () => {
  test('RFC 3339 in seconds, microseconds and with an offset', () => {
    expect(time('2026-11-21T11:29:04Z')).toBe(Date.UTC(2026, 10, 21, 11, 29, 4));
    expect(time('2026-11-21T11:27:56.019847Z')).toBe(Date.UTC(2026, 10, 21, 11, 27, 56, 19));
    expect(time('2026-11-21T12:29:04+01:00')).toBe(Date.UTC(2026, 10, 21, 11, 29, 4));
  });

  test.each([
    null,
    undefined,
    '',
    0,
    '0001-01-01T00:00:00Z',
    '2026-13-45T99:00:00Z',
    'yesterday',
    'Nov 21 2026 11:29:04',
  ])('%j is no time', (value) => {
    expect(time(value)).toBeUndefined();
  });
});

test('equal label sets are one object, whatever they came from', () => {
  expect(labels({ app: 'a', tier: 'b' })).toBe(labels(JSON.parse('{"app":"a","tier":"b"}')));
});

test('a label called __proto__ changes nobody’s prototype', () => {
  const set = labels(JSON.parse('{"__proto__":{"polluted":"yes"},"a":"b"}'));
  expect(set).toEqual({ a: 'b' });
  expect(Object.getPrototypeOf(set)).toBe(Object.prototype);
});

test('same JSON is the same, in any order of keys', () => {
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 4 }), (value) => {
      const copy: unknown = JSON.parse(JSON.stringify(value));
      expect(isSame(JSON.parse(JSON.stringify(value)), copy)).toBe(true);
      expect(isSame({ value }, { value, more: 1 })).toBe(false);
    }),
  );
});

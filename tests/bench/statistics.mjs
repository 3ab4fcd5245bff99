// What is said about samples.

const sorted = (samples) => [...samples].sort((one, other) => one - other);

/** The sample that `share` (0 to 1) of all are not above. */
const quantile = (samples, share) => sorted(samples)[Math.min(samples.length - 1, Math.ceil(samples.length * share) - 1)];

export const median = (samples) => {
  const all = sorted(samples);
  const middle = all.length >> 1;
  return all.length % 2 ? all[middle] : (all[middle - 1] + all[middle]) / 2;
};
/** The lower one: what a quarter of the samples are not above. */
export const quartile = (samples) => quantile(samples, 0.25);
export const p95 = (samples) => quantile(samples, 0.95);

/**
 * A figure computed from several sets of samples, with the interval in which it lies in 95 of 100 redrawn experiments (the bootstrap): what may be
 * read into a difference is said by the interval, not by digits.
 */
export function estimate(sets, figure) {
  const drawn = [];
  for (let number = 0; number < 1_000; number++) {
    drawn.push(figure(...sets.map((samples) => samples.map(() => samples[Math.floor(Math.random() * samples.length)]))));
  }
  return { value: figure(...sets), low: quantile(drawn, 0.025), high: quantile(drawn, 0.975) };
}

/** The same items in an order drawn anew. */
export const shuffled = (items) => items.map((item) => [Math.random(), item]).sort(([one], [other]) => one - other).map(([, item]) => item);

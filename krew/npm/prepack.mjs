// npm runs this before it packs or publishes a checkout, which nobody could use: Node runs no TypeScript of a dependency.
console.error(
  'error: npm was to pack the checkout, which is not what is published: make the package with "node krew/npm/package.ts --out DIR"',
);
process.exitCode = 1;

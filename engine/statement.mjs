/**
 * A named statement as a query of pg's client. Unlike pg's own it asks each connection only once which columns the
 * statement returns: Postgres never changes those of a prepared statement.
 */
import { prepareValue } from "pg/lib/utils.js";

/** By connection and name. */
const descriptions = new WeakMap();

function descriptionsOf(connection) {
  if (!descriptions.has(connection)) descriptions.set(connection, new Map());
  return descriptions.get(connection);
}

export class Statement {
  rows = [];
  rowCount = null;
  #types;
  #columns;
  #known;
  #settle;

  /** Rows are arrays. `settle` is called with an error, or with null and this. */
  constructor({ text, name, values, types }, settle) {
    this.text = text;
    this.name = name;
    this.values = values;
    this.#types = types;
    this.#settle = settle;
  }

  get fields() {
    return this.#columns?.fields ?? [];
  }

  submit(connection) {
    const { text, name, values } = this;
    this.#known = descriptionsOf(connection);
    connection.stream.cork();
    try {
      if (connection.parsedStatements[name] === undefined) {
        connection.parse({ text, name });
        this.#known.delete(name);
      }
      this.#columns = this.#known.get(name);
      connection.bind({ statement: name, values, valueMapper: prepareValue });
      if (this.#columns === undefined) connection.describe({ type: "P" });
      connection.execute();
      connection.sync();
    } finally {
      connection.stream.uncork();
    }
  }

  handleRowDescription({ fields }) {
    const parsers = fields.map(({ dataTypeID, format }) => this.#types.getTypeParser(dataTypeID, format));
    this.#columns = { fields, parsers };
    this.#known.set(this.name, this.#columns);
  }

  handleDataRow({ fields: row }) {
    const { parsers } = this.#columns;
    this.rows.push(row.map((value, index) => (value === null ? null : parsers[index](value))));
  }

  /** `UPDATE 2` has a count, `CREATE TABLE` has none. */
  handleCommandComplete({ text }) {
    const count = /\d+$/.exec(text);
    if (count) this.rowCount = Number(count[0]);
  }

  handleReadyForQuery() {
    this.#settle(null, this);
  }

  handleError(error) {
    this.#settle(error);
  }

  handleEmptyQuery() {}
}

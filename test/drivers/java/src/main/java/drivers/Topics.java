package drivers;

import java.io.IOException;
import java.io.StringReader;
import java.io.StringWriter;
import java.math.BigDecimal;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Savepoint;
import java.sql.Statement;
import java.sql.Types;
import java.time.OffsetDateTime;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.UUID;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import javax.sql.DataSource;
import org.postgresql.PGConnection;
import org.postgresql.PGNotification;
import org.postgresql.copy.CopyManager;

/** What JDBC's documentation and pgjdbc's show, over a source of connections. */
final class Topics {
  private static final int CLIENTS = 20;
  private static final int ROUNDS = 10;
  private static final String INSERT = "insert into items (name) values (?)";
  private static final String SLOW_QUERY = "select pg_sleep(30)::text /* the slow one */";

  private final DataSource source;

  Topics(DataSource source) {
    this.source = source;
  }

  Map<String, Callable<Object>> byName() {
    Map<String, Callable<Object>> topics = new LinkedHashMap<>();
    topics.put("migrations", this::migrations);
    topics.put("transactions", this::transactions);
    topics.put("statements", this::statements);
    topics.put("types", this::types);
    topics.put("bulk", this::bulk);
    topics.put("streams", this::streams);
    topics.put("cancellation", this::cancellation);
    topics.put("listen", this::listen);
    topics.put("concurrency", this::concurrency);
    return topics;
  }

  /** Returns the first column of what a statement returns, if it returns rows. */
  static List<String> firstColumn(Connection connection, String sql) throws SQLException {
    List<String> values = new ArrayList<>();
    try (Statement statement = connection.createStatement()) {
      if (statement.execute(sql)) {
        try (ResultSet rows = statement.getResultSet()) {
          while (rows.next()) {
            values.add(rows.getString(1));
          }
        }
      }
    }
    return values;
  }

  private Object migrations() throws SQLException {
    try (Connection connection = source.getConnection()) {
      connection.setAutoCommit(false);
      firstColumn(connection, "create table items (id serial primary key, name text not null unique)");
      firstColumn(connection, "alter table items add column price numeric(10, 2) default 1.50");
      connection.commit();
      firstColumn(connection, "drop table items");
      connection.rollback();
      connection.setAutoCommit(true);
      List<String> columns = new ArrayList<>();
      try (ResultSet rows = connection.getMetaData().getColumns(null, "public", "items", null)) {
        while (rows.next()) {
          columns.add(rows.getString("COLUMN_NAME") + " " + rows.getString("TYPE_NAME"));
        }
      }
      return List.of(columns, insertReturningKeys(connection, "apple"));
    }
  }

  private static List<Long> insertReturningKeys(Connection connection, String name) throws SQLException {
    List<Long> keys = new ArrayList<>();
    try (PreparedStatement insert = connection.prepareStatement(INSERT, Statement.RETURN_GENERATED_KEYS)) {
      insert.setString(1, name);
      insert.executeUpdate();
      try (ResultSet generated = insert.getGeneratedKeys()) {
        while (generated.next()) {
          keys.add(generated.getLong(1));
        }
      }
    }
    return keys;
  }

  private Object transactions() throws SQLException {
    try (Connection connection = source.getConnection()) {
      connection.setAutoCommit(false);
      insertReturningKeys(connection, "kept");
      Savepoint beforeTwin = connection.setSavepoint();
      String twin = sqlStateOf(() -> insertReturningKeys(connection, "kept"));
      connection.rollback(beforeTwin);
      connection.commit();
      connection.setTransactionIsolation(Connection.TRANSACTION_SERIALIZABLE);
      insertReturningKeys(connection, "undone");
      String level = firstColumn(connection, "show transaction_isolation").get(0);
      connection.rollback();
      connection.setTransactionIsolation(Connection.TRANSACTION_READ_COMMITTED);
      connection.setReadOnly(true);
      String refused = sqlStateOf(() -> insertReturningKeys(connection, "refused"));
      connection.rollback();
      connection.setReadOnly(false);
      List<String> names = firstColumn(connection, "select name from items order by id");
      connection.commit();
      connection.setAutoCommit(true);
      return List.of(twin, level, refused, names);
    }
  }

  private static String sqlStateOf(Callable<?> work) {
    try {
      work.call();
      return "no error";
    } catch (SQLException failure) {
      return failure.getSQLState();
    } catch (Exception failure) {
      return failure.toString();
    }
  }

  /** From the fifth time on pgjdbc has the server keep a statement. */
  private Object statements() throws Exception {
    return atOnce(
        client -> {
          try (Connection connection = source.getConnection();
              PreparedStatement twice = connection.prepareStatement("select ? * 2, ?::text");
              PreparedStatement quotient = connection.prepareStatement("select 1 / ?")) {
            int total = 0;
            for (int number = 0; number < 20; number++) {
              twice.setInt(1, number);
              twice.setString(2, "client " + client);
              try (ResultSet rows = twice.executeQuery()) {
                rows.next();
                total += rows.getInt(1);
              }
            }
            quotient.setInt(1, 0);
            return List.of(total, sqlStateOf(quotient::executeQuery));
          }
        });
  }

  private Object types() throws SQLException {
    try (Connection connection = source.getConnection();
        PreparedStatement select =
            connection.prepareStatement("select ?::int[], ?::text[], ?::jsonb, ?, ?, ?, ?, ?, ?, ?, ?::float8")) {
      select.setArray(1, connection.createArrayOf("int4", new Integer[] {1, 2, 3}));
      select.setArray(2, connection.createArrayOf("text", new String[] {"a", "b\"c", null}));
      select.setObject(3, "{\"deep\": [1, {\"x\": \"ü\"}]}", Types.OTHER);
      select.setBigDecimal(4, new BigDecimal("12345678901234567890.0123456789"));
      select.setObject(5, OffsetDateTime.of(2024, 2, 29, 12, 30, 15, 123_456_000, ZoneOffset.UTC));
      select.setBytes(6, new byte[] {0, 1, -2, -1});
      select.setNull(7, Types.VARCHAR);
      select.setLong(8, 9_007_199_254_740_993L);
      select.setObject(9, UUID.fromString("8c5c8d3e-4f0a-4c6b-9e3f-0a1b2c3d4e5f"));
      select.setBoolean(10, true);
      select.setDouble(11, 1.5);
      List<Object> values = new ArrayList<>();
      // From the fifth time on some columns come in binary.
      for (int round = 0; round < 7; round++) {
        try (ResultSet rows = select.executeQuery()) {
          rows.next();
          values.add(Arrays.toString((Object[]) rows.getArray(1).getArray()));
          values.add(Arrays.toString((Object[]) rows.getArray(2).getArray()));
          values.add(rows.getString(3));
          values.add(rows.getBigDecimal(4).toPlainString());
          values.add(rows.getObject(5, OffsetDateTime.class).toInstant().toString());
          values.add(Arrays.toString(rows.getBytes(6)));
          for (int column = 7; column <= 11; column++) {
            values.add(String.valueOf(rows.getObject(column)));
          }
        }
      }
      return values;
    }
  }

  private Object bulk() throws SQLException, IOException {
    try (Connection connection = source.getConnection()) {
      firstColumn(connection, "create table bulk (id int, word text)");
      CopyManager copy = connection.unwrap(PGConnection.class).getCopyAPI();
      StringBuilder lines = new StringBuilder();
      for (int number = 0; number < 20_000; number++) {
        lines.append(number).append('\t').append("word ").append(number).append('\n');
      }
      long copied = copy.copyIn("copy bulk from stdin", new StringReader(lines.toString()));
      try (PreparedStatement insert = connection.prepareStatement("insert into bulk values (?, ?)")) {
        for (int number = 0; number < 2_000; number++) {
          insert.setInt(1, number);
          insert.setString(2, "batched");
          insert.addBatch();
        }
        insert.executeBatch();
      }
      StringWriter out = new StringWriter();
      copy.copyOut("copy bulk to stdout", out);
      String sums = "select (count(*), sum(id), max(word))::text from bulk";
      return List.of(copied, out.getBuffer().length(), firstColumn(connection, sums));
    }
  }

  private Object streams() throws SQLException {
    try (Connection connection = source.getConnection();
        PreparedStatement select = connection.prepareStatement("select n from generate_series(1, ?) n")) {
      connection.setAutoCommit(false);
      select.setFetchSize(300);
      select.setInt(1, 5_000);
      long sum = 0;
      try (ResultSet rows = select.executeQuery()) {
        while (rows.next()) {
          sum += rows.getInt(1);
        }
      }
      connection.commit();
      connection.setAutoCommit(true);
      return List.of(sum);
    }
  }

  private Object cancellation() throws Exception {
    try (Connection connection = source.getConnection();
        Connection watcher = source.getConnection();
        Statement slow = connection.createStatement()) {
      ExecutorService thread = Executors.newSingleThreadExecutor();
      Future<String> ended = thread.submit(() -> sqlStateOf(() -> slow.executeQuery(SLOW_QUERY)));
      thread.shutdown();
      String find =
          "select query from pg_stat_activity where query like 'select pg_sleep%the slow one */' and state = 'active'";
      while (firstColumn(watcher, find).isEmpty()) {
        Thread.sleep(10);
      }
      slow.cancel();
      String cancelled = ended.get();
      slow.setQueryTimeout(1);
      return List.of(cancelled, sqlStateOf(() -> slow.executeQuery(SLOW_QUERY)), firstColumn(connection, "select 1"));
    }
  }

  private Object listen() throws SQLException {
    try (Connection listener = source.getConnection();
        Connection speaker = source.getConnection()) {
      firstColumn(listener, "listen news");
      List<String> heard = new ArrayList<>();
      for (int number = 0; number < 3; number++) {
        firstColumn(speaker, "select pg_notify('news', 'number " + number + "')");
        PGNotification[] notices = listener.unwrap(PGConnection.class).getNotifications(10_000);
        for (PGNotification notice : notices == null ? new PGNotification[0] : notices) {
          heard.add(notice.getParameter());
        }
      }
      firstColumn(listener, "unlisten news");
      return heard;
    }
  }

  private Object concurrency() throws Exception {
    try (Connection connection = source.getConnection()) {
      firstColumn(connection, "create table counter as select 0 as n");
    }
    List<Object> tags = atOnce(this::ownTags);
    try (Connection connection = source.getConnection()) {
      return List.of(tags, firstColumn(connection, "select n from counter"));
    }
  }

  private Set<String> ownTags(int client) throws SQLException {
    Set<String> seen = new TreeSet<>();
    for (int round = 0; round < ROUNDS; round++) {
      try (Connection connection = source.getConnection();
          PreparedStatement select = connection.prepareStatement("select ?::text")) {
        connection.setAutoCommit(false);
        firstColumn(connection, "update counter set n = n + 1");
        select.setString(1, "tag " + client);
        try (ResultSet rows = select.executeQuery()) {
          rows.next();
          seen.add(rows.getString(1));
        }
        connection.commit();
        connection.setAutoCommit(true);
      }
    }
    return seen;
  }

  private interface Work {
    Object of(int client) throws Exception;
  }

  private static List<Object> atOnce(Work work) throws Exception {
    ExecutorService threads = Executors.newFixedThreadPool(CLIENTS);
    try {
      List<Future<Object>> running = new ArrayList<>();
      for (int client = 0; client < CLIENTS; client++) {
        int number = client;
        running.add(threads.submit(() -> work.of(number)));
      }
      List<Object> results = new ArrayList<>();
      for (Future<Object> result : running) {
        results.add(result.get());
      }
      return results;
    } finally {
      threads.shutdown();
    }
  }
}

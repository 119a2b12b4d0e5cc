"""Mistakes in what a configuration says of Kafka, the pages and the triggers, and what is told of each."""

from __future__ import annotations

from tests.examples import MODEL

MISTAKES = [
    (
        MODEL + "kafka: {brokers: 'a:1,b:2'}",
        ["kafka.brokers: expected host:port, got 'a:1,b:2'; write several brokers as a list"],
    ),
    (
        MODEL + "kafka: {brokers: [localhost, 'b:70000']}",
        [
            "kafka.brokers[0]: expected host:port, got 'localhost'; write several brokers as a list",
            "kafka.brokers[1]: expected host:port, got 'b:70000'; write several brokers as a list",
        ],
    ),
    (
        MODEL + "kafka: {brokers: []}",
        ["kafka.brokers: expected a list with at least one entry, got a list with 0 entries"],
    ),
    (
        MODEL + "kafka: {predictions: []}",
        ["kafka.predictions: expected at least one topic of predictions or features, got none"],
    ),
    (MODEL + "kafka: {predictions: [a, a]}", ["kafka.predictions[1]: 'a' stands twice; keep one"]),
    (
        MODEL + "kafka: {predictions: 'my topic'}",
        ["kafka.predictions: expected a Kafka topic of letters, digits, '.', '_' and '-', got 'my topic'"],
    ),
    (
        MODEL + "kafka: {predictions: driftline.windows}",
        ["kafka.topics.windows: topic 'driftline.windows' is used already by kafka.predictions; give each use its own"],
    ),
    (
        MODEL + "kafka: {features: [p], predictions: [p]}",
        ["kafka.features[0]: topic 'p' is used already by kafka.predictions[0]; give each use its own"],
    ),
    (
        MODEL + "kafka: {topics: {state: 'a/b'}}",
        ["kafka.topics.state: expected a Kafka topic of letters, digits, '.', '_' and '-', got 'a/b'"],
    ),
    (MODEL + "kafka: {partitions: many}", ["kafka.partitions: expected a whole number from 1 to 10,000, got 'many'"]),
    (MODEL + "kafka: {block: 1.5}", ["kafka.block: expected a whole number from 100 to 10,000,000, got 1.5"]),
    (
        MODEL + "kafka: {flush: 1ms}",
        ["kafka.flush: expected a duration such as 30s, 10m, 1h or 7d of at least 10ms, got '1ms'"],
    ),
    (
        MODEL + "clock: {idle: -5s}",
        ["clock.idle: expected a duration such as 30s, 10m, 1h or 7d of at least 1s, got '-5s'"],
    ),
    (MODEL + "server: {port: 65536}", ["server.port: expected a whole number from 0 to 65,535, got 65536"]),
    (MODEL + "server: {host: ''}", ["server.host: expected a printable text of 1 to 1,000 characters, got ''"]),
    (
        MODEL + "server: 9464",
        [
            "server: expected fields (host, port, token_file, token_env, tls, allow_anonymous, allow_plaintext), "
            "got 9464"
        ],
    ),
    (MODEL + "max_series: 0", ["max_series: expected a whole number from 1 to 1,000,000, got 0"]),
    (
        MODEL + "triggers: {url: 'https://canary'}",
        ["triggers: expected a list, got a mapping with 1 entry"],
    ),
    (MODEL + "triggers: https://canary", ["triggers: expected a list, got another value (not shown)"]),
    (
        MODEL + "triggers: [{type: slack, url: 'https://example.test'}]",
        ["triggers[0].type: unknown kind of trigger; known are webhook"],
    ),
    (
        MODEL + "triggers: [{}]",
        ["triggers[0].url: expected a printable text of 1 to 1,000 characters, got nothing"],
    ),
    (
        MODEL + "triggers: [{url: 'ftp://canary'}]",
        ["triggers[0].url: expected http:// or https:// and a host, without a user name, password or fragment"],
    ),
    (
        MODEL + "triggers: [{url: 'https://user:canary@example.test'}]",
        ["triggers[0].url: expected http:// or https:// and a host, without a user name, password or fragment"],
    ),
    (
        MODEL + "triggers: [{url: 'https://example.test', secret_file: none.txt}]",
        ["triggers[0]: the file that secret_file names is missing or empty; put the secret there"],
    ),
    (
        MODEL + "triggers: [{url: 'https://example.test', secret_env: DRIFTLINE_CANARY_UNSET}]",
        ["triggers[0]: the environment variable that secret_env names is missing or empty; put the secret there"],
    ),
    (
        MODEL + "triggers: [{url: 'https://example.test', secret_env: A, secret_file: b}]",
        ["triggers[0]: expected secret_file or secret_env, got both; keep one"],
    ),
    (
        MODEL + "triggers: [{url: 'https://example.test', secret: canary}]",
        ["triggers[0].secret: unknown field; did you mean 'secret_env'?"],
    ),
    (
        MODEL + "triggers: [{url: 'https://example.test', dry_run: 1}]",
        ["triggers[0].dry_run: expected true or false, got another value (not shown)"],
    ),
]

"""How DuckDB reads the files that the specs in docs/examples load, with the same columns and types."""
import collections

Table = collections.namedtuple('Table', 'datasource spec rows needs sql')

TABLES = {
    'wikiticker': Table('wikiticker', 'wikiticker.json', 39_244, 'data/druid/wikiticker-2015-09-12-sampled.json.gz', """
        SELECT "time"::TIMESTAMPTZ::TIMESTAMP AS __time, * EXCLUDE ("time")
        FROM read_json('@DATA@/druid/wikiticker-2015-09-12-sampled.json.gz', format = 'newline_delimited', columns = {
            "time": 'VARCHAR', channel: 'VARCHAR', cityName: 'VARCHAR', comment: 'VARCHAR', countryIsoCode: 'VARCHAR',
            countryName: 'VARCHAR', isAnonymous: 'VARCHAR', isMinor: 'VARCHAR', isNew: 'VARCHAR', isRobot: 'VARCHAR',
            isUnpatrolled: 'VARCHAR', metroCode: 'VARCHAR', namespace: 'VARCHAR', page: 'VARCHAR',
            regionIsoCode: 'VARCHAR', regionName: 'VARCHAR', "user": 'VARCHAR', added: 'BIGINT', deleted: 'BIGINT',
            delta: 'BIGINT'})"""),
    'commits': Table('commits', 'commits.json', 2_100_603, 'data/commits', """
        SELECT commit_time::TIMESTAMPTZ::TIMESTAMP AS __time, * EXCLUDE (commit_time)
        FROM read_csv('@DATA@/commits/*.tsv.zst', delim = '\\t', quote = '', escape = '', header = true, columns = {
            'repo': 'VARCHAR', 'sha': 'VARCHAR', 'author_hash': 'VARCHAR', 'email_hash': 'VARCHAR',
            'email_domain': 'VARCHAR', 'author_time': 'VARCHAR', 'author_tz_min': 'BIGINT', 'commit_time': 'VARCHAR',
            'parents': 'BIGINT', 'is_merge': 'BIGINT', 'subject_len': 'BIGINT', 'path': 'VARCHAR', 'ext': 'VARCHAR',
            'top_dir': 'VARCHAR', 'additions': 'BIGINT', 'deletions': 'BIGINT'})"""),
    'github_ranking': Table('github_ranking', 'github-ranking.json', 3_900_960, 'data/github-ranking', """
        SELECT snapshot_date::TIMESTAMP AS __time, * EXCLUDE (snapshot_date)
        FROM read_csv('@DATA@/github-ranking/*.csv.zst', header = true, allow_quoted_nulls = false, columns = {
            'snapshot_date': 'VARCHAR', 'rank': 'BIGINT', 'item': 'VARCHAR', 'repo_name': 'VARCHAR', 'stars': 'BIGINT',
            'forks': 'BIGINT', 'language': 'VARCHAR', 'repo_url': 'VARCHAR', 'username': 'VARCHAR', 'issues': 'BIGINT',
            'last_commit': 'VARCHAR', 'description': 'VARCHAR'})"""),
    'gharchive': Table('gharchive', 'gharchive.json', 19_053, 'data/gharchive/2015-01-01-0.json.gz', """
        SELECT created_at::TIMESTAMPTZ::TIMESTAMP AS __time, id, type, actor.login AS actor, actor.id AS actor_id,
            repo.name AS repo, repo.id AS repo_id, org.login AS org, payload->>'$.action' AS action,
            payload->>'$.ref_type' AS ref_type, (payload->>'$.size')::BIGINT AS push_size,
            (payload->>'$.distinct_size')::BIGINT AS distinct_size,
            (payload->>'$.issue.number')::BIGINT AS issue_number, public
        FROM read_json('@DATA@/gharchive/2015-01-01-*.json.gz', format = 'newline_delimited', columns = {
            id: 'VARCHAR', type: 'VARCHAR', actor: 'STRUCT(login VARCHAR, id BIGINT)',
            repo: 'STRUCT(name VARCHAR, id BIGINT)', org: 'STRUCT(login VARCHAR)', payload: 'JSON',
            created_at: 'VARCHAR', public: 'VARCHAR'})"""),
    # @CLEAN@ is a copy in which bytes that are no UTF-8 are U+FFFD, as Ovate makes them: DuckDB would refuse the file
    'clickbench': Table('hits', 'clickbench.json', 9_580, 'data/clickbench/hits_mini_9580.tsv.gz', """
        SELECT EventTime::TIMESTAMP AS __time, * EXCLUDE (EventTime)
        FROM read_csv('@CLEAN@/clickbench/hits_mini_9580.tsv.gz', delim = '\\t', quote = '', escape = '', header = false, columns = {
            WatchID: 'BIGINT', JavaEnable: 'BIGINT', Title: 'VARCHAR', GoodEvent: 'BIGINT',
            EventTime: 'VARCHAR', EventDate: 'VARCHAR', CounterID: 'BIGINT', ClientIP: 'BIGINT',
            RegionID: 'BIGINT', UserID: 'BIGINT', CounterClass: 'BIGINT', OS: 'BIGINT', UserAgent:
            'BIGINT', URL: 'VARCHAR', Referer: 'VARCHAR', IsRefresh: 'BIGINT', RefererCategoryID:
            'BIGINT', RefererRegionID: 'BIGINT', URLCategoryID: 'BIGINT', URLRegionID: 'BIGINT',
            ResolutionWidth: 'BIGINT', ResolutionHeight: 'BIGINT', ResolutionDepth: 'BIGINT',
            FlashMajor: 'BIGINT', FlashMinor: 'BIGINT', FlashMinor2: 'VARCHAR', NetMajor: 'BIGINT',
            NetMinor: 'BIGINT', UserAgentMajor: 'BIGINT', UserAgentMinor: 'VARCHAR', CookieEnable:
            'BIGINT', JavascriptEnable: 'BIGINT', IsMobile: 'BIGINT', MobilePhone: 'BIGINT',
            MobilePhoneModel: 'VARCHAR', Params: 'VARCHAR', IPNetworkID: 'BIGINT', TraficSourceID:
            'BIGINT', SearchEngineID: 'BIGINT', SearchPhrase: 'VARCHAR', AdvEngineID: 'BIGINT',
            IsArtifical: 'BIGINT', WindowClientWidth: 'BIGINT', WindowClientHeight: 'BIGINT',
            ClientTimeZone: 'BIGINT', ClientEventTime: 'VARCHAR', SilverlightVersion1: 'BIGINT',
            SilverlightVersion2: 'BIGINT', SilverlightVersion3: 'BIGINT', SilverlightVersion4:
            'BIGINT', PageCharset: 'VARCHAR', CodeVersion: 'BIGINT', IsLink: 'BIGINT', IsDownload:
            'BIGINT', IsNotBounce: 'BIGINT', FUniqID: 'BIGINT', OriginalURL: 'VARCHAR', HID:
            'BIGINT', IsOldCounter: 'BIGINT', IsEvent: 'BIGINT', IsParameter: 'BIGINT',
            DontCountHits: 'BIGINT', WithHash: 'BIGINT', HitColor: 'VARCHAR', LocalEventTime:
            'VARCHAR', Age: 'BIGINT', Sex: 'BIGINT', Income: 'BIGINT', Interests: 'BIGINT',
            Robotness: 'BIGINT', RemoteIP: 'BIGINT', WindowName: 'BIGINT', OpenerName: 'BIGINT',
            HistoryLength: 'BIGINT', BrowserLanguage: 'VARCHAR', BrowserCountry: 'VARCHAR',
            SocialNetwork: 'VARCHAR', SocialAction: 'VARCHAR', HTTPError: 'BIGINT', SendTiming:
            'BIGINT', DNSTiming: 'BIGINT', ConnectTiming: 'BIGINT', ResponseStartTiming: 'BIGINT',
            ResponseEndTiming: 'BIGINT', FetchTiming: 'BIGINT', SocialSourceNetworkID: 'BIGINT',
            SocialSourcePage: 'VARCHAR', ParamPrice: 'BIGINT', ParamOrderID: 'VARCHAR',
            ParamCurrency: 'VARCHAR', ParamCurrencyID: 'BIGINT', OpenstatServiceName: 'VARCHAR',
            OpenstatCampaignID: 'VARCHAR', OpenstatAdID: 'VARCHAR', OpenstatSourceID: 'VARCHAR',
            UTMSource: 'VARCHAR', UTMMedium: 'VARCHAR', UTMCampaign: 'VARCHAR', UTMContent:
            'VARCHAR', UTMTerm: 'VARCHAR', FromTag: 'VARCHAR', HasGCLID: 'BIGINT', RefererHash:
            'BIGINT', URLHash: 'BIGINT', CLID: 'BIGINT'})"""),
}

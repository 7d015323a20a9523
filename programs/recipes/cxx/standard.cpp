// What C++'s standard library does with a system and by itself: standard NAME
#include <algorithm>
#include <any>
#include <array>
#include <atomic>
#include <charconv>
#include <chrono>
#include <complex>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <fstream>
#include <functional>
#include <future>
#include <iomanip>
#include <iostream>
#include <iterator>
#include <limits>
#include <locale>
#include <map>
#include <memory>
#include <mutex>
#include <new>
#include <numeric>
#include <optional>
#include <random>
#include <regex>
#include <set>
#include <shared_mutex>
#include <sstream>
#include <stdexcept>
#include <string>
#include <system_error>
#include <thread>
#include <typeinfo>
#include <unordered_map>
#include <variant>
#include <vector>

#include <setjmp.h>
#include <unistd.h>

using namespace std;

namespace {

struct Noisy {
    string name;
    explicit Noisy(string n) : name(std::move(n)) { cout << "made " << name << '\n'; }
    ~Noisy() { cout << "gone " << name << '\n'; }
};

// --- exceptions

struct Base {
    virtual ~Base() = default;
    virtual string say() const { return "base"; }
};
struct Other {
    virtual ~Other() = default;
    int other = 7;
};
struct Derived : Base, Other {
    string say() const override { return "derived"; }
};

[[gnu::noinline]] int deep(int n) {
    Noisy here("frame " + to_string(n));
    if (n == 0)
        throw out_of_range("the bottom");
    return deep(n - 1) + 1;
}

struct Throws {
    Throws() : kept("member") { throw runtime_error("constructor"); }
    Noisy kept;
};

struct Cleans {
    ~Cleans() {
        cout << "uncaught " << uncaught_exceptions() << '\n';
        try {
            throw 5;
        } catch (int i) {
            cout << "within a destructor " << i << '\n';
        }
    }
};

extern "C" int compare_throwing(const void *, const void *) { throw string("from a comparison"); }

void nested(const exception &e, int depth = 0) {
    cout << string(depth, ' ') << e.what() << '\n';
    try {
        rethrow_if_nested(e);
    } catch (const exception &inner) {
        nested(inner, depth + 1);
    }
}

void function_try(int n) try {
    if (n > 1)
        throw n;
    cout << "no throw\n";
} catch (int i) {
    cout << "function's " << i << '\n';
}

void exceptions() {
    try {
        deep(3);
    } catch (const logic_error &e) {
        cout << "caught " << e.what() << '\n';
    }
    try {
        Throws t;
    } catch (const exception &e) {
        cout << e.what() << ' ' << typeid(e).name() << '\n';
    }
    try {
        Cleans c;
        throw 1.5;
    } catch (double d) {
        cout << d << '\n';
    }
    try {
        try {
            throw Derived();
        } catch (Base &b) {
            cout << b.say() << '\n';
            throw;
        }
    } catch (Other &o) {
        cout << "other " << o.other << '\n';
    }
    try {
        throw static_cast<Derived *>(nullptr);
    } catch (Base *b) {
        cout << "a pointer to a base " << (b == nullptr) << '\n';
    }
    try {
        throw nullptr;
    } catch (const char *p) {
        cout << "null " << (p == nullptr) << '\n';
    }
    int numbers[] = {3, 1, 2};
    try {
        qsort(numbers, 3, sizeof *numbers, compare_throwing);
    } catch (const string &s) {
        cout << s << ", through C\n";
    }
    try {
        try {
            throw runtime_error("inner");
        } catch (...) {
            throw_with_nested(logic_error("outer"));
        }
    } catch (const exception &e) {
        nested(e);
    }
    function_try(1);
    function_try(2);
    exception_ptr kept;
    thread([&] {
        try {
            vector<int>().at(1);
        } catch (...) {
            kept = current_exception();
        }
    }).join();
    for (int i = 0; i < 2; i++) {
        try {
            rethrow_exception(kept);
        } catch (const out_of_range &) {
            cout << "out of range, of another thread\n";
        }
    }
    int caught = 0;
    for (int i = 0; i < 20000; i++) {
        try {
            if (i % 2)
                throw i;
            throw to_string(i);
        } catch (int n) {
            caught += n % 3;
        } catch (const string &s) {
            caught += s.size();
        }
    }
    cout << caught << '\n';
    jmp_buf buffer;
    volatile int rounds = 0;
    if (setjmp(buffer) < 3) {
        try {
            throw static_cast<int>(rounds = rounds + 1);
        } catch (int i) {
            cout << "jump " << i << '\n';
        }
        longjmp(buffer, rounds);
    }
    cout << "jumped " << rounds << '\n';
}

int *volatile kept_array;

// By the functions, as a compiler may leave out an expression that it sees both ends of.
void memory() {
    try {
        volatile size_t all = numeric_limits<size_t>::max() / 2;
        ::operator delete(::operator new(all));
    } catch (const bad_alloc &) {
        cout << "bad_alloc\n";
    }
    volatile size_t all = numeric_limits<size_t>::max() / 2;
    cout << (::operator new(all, nothrow) == nullptr) << '\n';
    try {
        volatile long count = -1;
        kept_array = new int[count];
        // Of which kind differs by compiler.
    } catch (const bad_alloc &) {
        cout << "bad_alloc\n";
    }
    try {
        string s;
        s.resize(s.max_size() + 1);
    } catch (const length_error &) {
        cout << "length_error\n";
    }
    static int handled;
    set_new_handler([] {
        if (++handled == 3)
            throw bad_alloc();
    });
    try {
        ::operator delete(::operator new(all));
    } catch (const bad_alloc &) {
        cout << "handler called " << handled << " times\n";
    }
    set_new_handler(nullptr);
    struct alignas(256) Wide {
        char c[256];
    };
    auto wide = make_unique<Wide[]>(3);
    cout << reinterpret_cast<uintptr_t>(wide.get()) % 256 << '\n';
    auto shared = make_shared<Noisy>("shared");
    weak_ptr<Noisy> weak = shared;
    shared.reset();
    cout << weak.expired() << '\n';
}

// --- types

template <class T> void named(const char *what) { cout << what << ' ' << typeid(T).name() << '\n'; }

void types() {
    unique_ptr<Base> b = make_unique<Derived>();
    cout << typeid(*b).name() << ' ' << (dynamic_cast<Derived *>(b.get()) != nullptr) << ' '
         << dynamic_cast<Other *>(b.get())->other << '\n';
    Base plain, &reference = plain;
    cout << (dynamic_cast<Derived *>(&plain) == nullptr) << '\n';
    try {
        (void)dynamic_cast<Derived &>(reference);
    } catch (const bad_cast &) {
        cout << "bad_cast\n";
    }
    try {
        Base *volatile none = nullptr;
        cout << typeid(*none).name() << '\n';
    } catch (const bad_typeid &) {
        cout << "bad_typeid\n";
    }
    named<void (*)(Derived &, unsigned long)>("function");
    any a = string("text");
    try {
        any_cast<int>(a);
    } catch (const bad_any_cast &) {
        cout << "bad_any_cast " << any_cast<string &>(a) << '\n';
    }
    variant<int, string> v = "x";
    cout << v.index() << visit([](auto &x) { return sizeof x == sizeof(int); }, v) << '\n';
    optional<int> o;
    try {
        cout << o.value();
    } catch (const bad_optional_access &) {
        cout << "bad_optional_access\n";
    }
    try {
        function<int()>()();
    } catch (const bad_function_call &) {
        cout << "bad_function_call\n";
    }
}

// --- text

void text() {
    cout << setw(8) << setfill('*') << left << 42 << right << hex << showbase << setw(8) << 255 << dec << '\n';
    for (double d : {0.1, 1e300, -2.5e-7, 1.0 / 3, 0.0, numeric_limits<double>::infinity()})
        cout << d << ' ' << setprecision(17) << d << ' ' << fixed << setprecision(3) << d << ' ' << scientific
             << d << defaultfloat << setprecision(6) << '\n';
    cout << boolalpha << true << ' ' << noboolalpha << numeric_limits<long>::max() << ' ' << LLONG_MIN << '\n';
    istringstream in("12 0x1f word 3.75 99999999999999999999 rest");
    int i = 0, x = 0, big = 0;
    string word, rest;
    double d = 0;
    in >> i >> hex >> x >> dec >> word >> d >> big;
    cout << i << ' ' << x << ' ' << word << ' ' << d << ' ' << big << ' ' << in.fail() << '\n';
    in.clear();
    getline(in >> ws, rest);
    cout << rest << in.eof() << '\n';
    char digits[64];
    for (double value : {0.1, 1e23, 5e-324, 123456789.0}) {
        auto end = to_chars(begin(digits), std::end(digits), value).ptr;
        cout << string(digits, end) << '\n';
    }
    int parsed = 0;
    string number = "-123x";
    auto after = from_chars(number.data(), number.data() + number.size(), parsed);
    cout << parsed << *after.ptr << ' ' << stoi("077", nullptr, 0) << '\n';
    try {
        stoi("none");
    } catch (const invalid_argument &) {
        cout << "invalid_argument\n";
    }
    try {
        stol("99999999999999999999");
    } catch (const out_of_range &) {
        cout << "out_of_range\n";
    }
    cout << stol("9223372036854775807") << ' ' << sizeof(long) << '\n';
    cin.exceptions(ios::failbit);
    try {
        cin >> i;
    } catch (const ios_base::failure &) {
        cout << "failure\n";
    }
    wostringstream wide;
    wide << L"wide " << 5;
    cout << wide.str().size() << '\n';
}

void locales() {
    cout << locale().name() << ' ' << locale::classic().name() << '\n';
    struct Point : numpunct<char> {
        char do_decimal_point() const override { return ','; }
        char do_thousands_sep() const override { return '.'; }
        string do_grouping() const override { return "\3"; }
    };
    ostringstream out;
    out.imbue(locale(locale(), new Point));
    out << fixed << setprecision(2) << 1234567.891 << ' ' << 7654321;
    cout << out.str() << '\n';
    cout << use_facet<ctype<char>>(locale()).toupper('x') << isalpha('7', locale()) << '\n';
    tm t{};
    istringstream date("2024-02-29 12:34:56");
    date >> get_time(&t, "%Y-%m-%d %H:%M:%S");
    cout << t.tm_year << ' ' << t.tm_mon << ' ' << t.tm_mday << ' ' << put_time(&t, "%d.%m.%Y %T") << '\n';
}

void expressions() {
    regex word("(\\w+)@(\\w+)\\.(com|org)");
    string s = "ann@site.com, bob@other.org; nobody";
    for (sregex_iterator it(s.begin(), s.end(), word), end; it != end; ++it)
        cout << (*it)[1] << ' ' << (*it)[2] << ' ' << it->position() << '\n';
    cout << regex_replace(s, word, "<$1>") << '\n';
    cout << regex_match("aaaaab", regex("(a+)+b")) << regex_match("2024-11-24", regex("\\d{4}(-\\d\\d){2}")) << '\n';
    try {
        regex bad("(");
    } catch (const regex_error &e) {
        cout << (e.code() == regex_constants::error_paren) << '\n';
    }
}

// --- threads

struct PerThread {
    int *count;
    explicit PerThread(int *c) : count(c) {}
    ~PerThread() { ++*count; }
};

void threads() {
    mutex m;
    condition_variable changed;
    vector<int> queue;
    long sum = 0;
    bool done = false;
    thread consumer([&] {
        unique_lock lock(m);
        for (;;) {
            changed.wait(lock, [&] { return done || !queue.empty(); });
            for (int n : queue)
                sum += n;
            queue.clear();
            if (done)
                return;
        }
    });
    vector<thread> producers;
    for (int t = 0; t < 4; t++)
        producers.emplace_back([&, t] {
            for (int i = 0; i < 500; i++) {
                lock_guard lock(m);
                queue.push_back(t * 1000 + i);
                changed.notify_one();
            }
        });
    for (auto &p : producers)
        p.join();
    {
        lock_guard lock(m);
        done = true;
    }
    changed.notify_all();
    consumer.join();
    cout << sum << '\n';

    atomic<long> total = 0;
    atomic<int> small = 0;
    vector<thread> adders;
    for (int t = 0; t < 4; t++)
        adders.emplace_back([&] {
            for (int i = 0; i < 2000; i++)
                total += i, small.fetch_xor(i);
        });
    for (auto &a : adders)
        a.join();
    cout << total << ' ' << small << ' ' << total.is_lock_free() << '\n';

    auto answer = async(launch::async, [] { return 42; });
    cout << answer.get() << '\n';
    auto failing = async(launch::async, []() -> int { throw runtime_error("in a task"); });
    try {
        failing.get();
    } catch (const runtime_error &e) {
        cout << e.what() << '\n';
    }
    promise<string> p;
    auto f = p.get_future();
    thread([&] { p.set_value("promised"); }).join();
    cout << f.get() << '\n';
    try {
        promise<int> broken;
        auto waits = broken.get_future();
        broken = promise<int>();
        waits.get();
    } catch (const future_error &e) {
        cout << (e.code() == future_errc::broken_promise) << '\n';
    }

    int gone = 0;
    for (int i = 0; i < 3; i++)
        thread([&] { thread_local PerThread mine(&gone); (void)mine.count; }).join();
    cout << "thread's own, gone " << gone << '\n';

    once_flag flag;
    atomic<int> times = 0;
    try {
        call_once(flag, [] { throw 1; });
    } catch (int) {
        cout << "again\n";
    }
    vector<thread> callers;
    for (int t = 0; t < 4; t++)
        callers.emplace_back([&] { call_once(flag, [&] { times++; }); });
    for (auto &c : callers)
        c.join();
    cout << "once " << times << '\n';

    timed_mutex timed;
    timed.lock();
    thread([&] { cout << timed.try_lock_for(chrono::milliseconds(5)) << '\n'; }).join();
    timed.unlock();
    shared_mutex shared;
    shared_lock one(shared), two(shared, try_to_lock);
    cout << two.owns_lock() << '\n';
    try {
        thread().join();
    } catch (const system_error &e) {
        cout << (e.code() == errc::invalid_argument || e.code() == errc::no_such_process) << '\n';
    }
}

// --- files and times

void files() {
    namespace fs = filesystem;
    fs::create_directories("tree/a/b");
    ofstream("tree/a/file") << "twelve bytes";
    fs::create_symlink("file", "tree/a/link");
    cout << fs::file_size("tree/a/file") << fs::is_symlink("tree/a/link") << fs::read_symlink("tree/a/link") << '\n';
    fs::copy("tree/a", "tree/copy", fs::copy_options::recursive | fs::copy_options::copy_symlinks);
    set<string> seen;
    for (auto &entry : fs::recursive_directory_iterator("tree"))
        seen.insert(entry.path().string() + (entry.is_directory() ? "/" : ""));
    for (auto &s : seen)
        cout << s << '\n';
    fs::permissions("tree/a/file", fs::perms::owner_read);
    cout << static_cast<int>(fs::status("tree/a/file").permissions()) << '\n';
    error_code code;
    fs::remove("tree/a", code);
    cout << (code == errc::directory_not_empty) << ' ' << code.value() << ' ' << code.message() << '\n';
    try {
        fs::file_size("tree/none");
    } catch (const fs::filesystem_error &e) {
        cout << e.path1() << ' ' << e.code().message() << '\n';
    }
    fs::rename("tree/copy", "tree/moved");
    fs::last_write_time("tree/moved/file", fs::file_time_type::clock::now() - chrono::hours(1));
    cout << fs::exists("tree/moved/file") << fs::equivalent("tree/a/link", "tree/a/file") << '\n';
    cout << fs::path("/a/b/../c.tar.gz").lexically_normal() << fs::path("x/c.tar.gz").stem() << '\n';
    cout << fs::relative("tree/a", "tree/moved") << fs::canonical("tree/a/../a/link").filename() << '\n';
    cout << (fs::space(".").capacity > 0) << fs::remove_all("tree") << '\n';
    fstream both("both", ios::in | ios::out | ios::trunc | ios::binary);
    for (int i = 0; i < 5000; i++)
        both << i << '\n';
    both.seekg(1000);
    string line;
    getline(both, line), getline(both, line);
    cout << line << ' ' << both.tellg() << '\n';
    both.seekp(0, ios::end);
    cout << both.tellp() << '\n';
    ifstream none("none");
    cout << none.is_open() << !none << '\n';
}

void times() {
    using namespace chrono;
    auto before = steady_clock::now();
    this_thread::sleep_for(milliseconds(20));
    cout << (steady_clock::now() - before >= milliseconds(20)) << '\n';
    cout << (system_clock::now().time_since_epoch() > hours(24 * 365 * 50)) << '\n';
    year_month_day day = 2024y / February / last;
    cout << unsigned(day.day()) << ' ' << (sys_days(day) - sys_days(1970y / 1 / 1)).count() << '\n';
    cout << duration_cast<minutes>(hours(3) + seconds(59)).count() << '\n';
    time_t t = system_clock::to_time_t(sys_days(day));
    cout << put_time(gmtime(&t), "%F %A") << '\n';
}

void computing() {
    mt19937_64 random(5);
    cout << random() << ' ' << random() << '\n';
    minstd_rand small(7);
    cout << small() << '\n';
    random_device device;
    cout << (device() != device() || device() != device()) << '\n';
    complex<double> c(1, 2);
    cout << c * c << abs(complex<float>(3, 4)) << '\n';
    vector<int> v(1000);
    iota(v.begin(), v.end(), 0);
    reverse(v.begin(), v.end());
    nth_element(v.begin(), v.begin() + 500, v.end());
    cout << v[500] << ' ' << accumulate(v.begin(), v.end(), 0L) << ' ' << gcd(84, 36) << '\n';
    stable_sort(v.begin(), v.end(), [](int a, int b) { return a % 10 < b % 10; });
    sort(v.begin(), v.end());
    cout << is_sorted(v.begin(), v.end()) << *lower_bound(v.begin(), v.end(), 77) << '\n';
    unordered_map<string, int> counts;
    for (int i = 0; i < 3000; i++)
        counts[to_string(i % 100)]++;
    cout << counts.size() << ' ' << counts["42"] << '\n';
    cout << setprecision(20) << 1.0L / 4 << ' ' << numeric_limits<__int128>::digits << '\n';
}

// --- the ends

Noisy early("a static");

void at_exit() {
    static Noisy local("a local static");
    thread_local Noisy own("the main thread's own");
    atexit([] { cout << "atexit\n"; });
    exit(own.name.size() == 21 ? 9 : 1);
}

void quick() {
    at_quick_exit([] { cout << "at_quick_exit" << endl; });
    quick_exit(4);
}

// What the library says on its way differs by library.
void quietly() {
    if (!freopen("/dev/null", "w", stderr))
        exit(1);
}

void uncaught() {
    cout << flush;
    quietly();
    throw runtime_error("nobody's");
}

void handled() {
    set_terminate([] {
        try {
            rethrow_exception(current_exception());
        } catch (const exception &e) {
            cout << "terminating: " << e.what() << endl;
        }
        _Exit(3);
    });
    thread([] { throw runtime_error("a thread's"); }).join();
}

void not_thrown() noexcept {
    Noisy here("noexcept");
    cout << flush;
    throw 1;
}

void noexcepts() {
    set_terminate([] {
        cout << "terminate" << endl;
        abort();
    });
    not_thrown();
}

} // namespace

int main(int argc, char **argv) {
    const map<string, void (*)()> all = {
        {"exceptions", exceptions}, {"memory", memory},       {"types", types},
        {"text", text},             {"locales", locales},     {"expressions", expressions},
        {"threads", threads},       {"files", files},         {"times", times},
        {"computing", computing},       {"at_exit", at_exit},     {"quick", quick},
        {"uncaught", uncaught},     {"handled", handled},     {"noexcepts", noexcepts},
    };
    auto found = all.find(argc > 1 ? argv[1] : "");
    if (found == all.end()) {
        cerr << "standard NAME\n";
        return 2;
    }
    found->second();
    return 0;
}

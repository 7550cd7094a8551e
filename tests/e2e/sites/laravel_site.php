<?php
// A site in Laravel around the files in this folder, which are those in docs/your-own-endpoint.md.
// It makes the database and starts PHP's own server, which runs it for each request.

use Illuminate\Auth\GenericUser;
use Illuminate\Contracts\Debug\ExceptionHandler;
use Illuminate\Contracts\Http\Kernel as HttpKernel;
use Illuminate\Cookie\Middleware\AddQueuedCookiesToResponse;
use Illuminate\Cookie\Middleware\EncryptCookies;
use Illuminate\Database\Schema\Blueprint;
use Illuminate\Foundation\Application;
use Illuminate\Foundation\Bootstrap\BootProviders;
use Illuminate\Foundation\Bootstrap\HandleExceptions;
use Illuminate\Foundation\Bootstrap\RegisterFacades;
use Illuminate\Foundation\Bootstrap\RegisterProviders;
use Illuminate\Foundation\Exceptions\Handler;
use Illuminate\Foundation\Http\Kernel;
use Illuminate\Foundation\Http\Middleware\VerifyCsrfToken;
use Illuminate\Http\Request;
use Illuminate\Session\Middleware\StartSession;
use Illuminate\Support\Facades\Auth;
use Illuminate\Support\Facades\DB;
use Illuminate\Support\Facades\Route;
use Illuminate\Support\Facades\Schema;

foreach (explode(' ', getenv('LARAVEL_AUTOLOAD')) as $autoload) {
    require $autoload;
}

$folder = getcwd();
require "$folder/app/Http/Controllers/LiveChatController.php";
foreach (['storage/sessions', 'storage/views', 'bootstrap/cache'] as $needed) {
    is_dir("$folder/$needed") || mkdir("$folder/$needed", 0700, true);
}
touch("$folder/site.sqlite");

class SiteKernel extends Kernel
{
    protected $bootstrappers = [HandleExceptions::class, RegisterFacades::class, RegisterProviders::class, BootProviders::class];
    protected $middlewareGroups = [
        'web' => [EncryptCookies::class, AddQueuedCookiesToResponse::class, StartSession::class, VerifyCsrfToken::class],
    ];
}

$site = new Application($folder);
$site->singleton(HttpKernel::class, SiteKernel::class);
$site->singleton(ExceptionHandler::class, Handler::class);
$site->detectEnvironment(fn () => 'production');
$site->instance('config', new Illuminate\Config\Repository([
    'app' => [
        'key' => getenv('SITE_KEY'), 'cipher' => 'AES-256-CBC', 'debug' => false, 'env' => 'production', 'timezone' => 'UTC', 'locale' => 'en',
        'fallback_locale' => 'en',
        'providers' => [
            Illuminate\Auth\AuthServiceProvider::class, Illuminate\Cookie\CookieServiceProvider::class, Illuminate\Database\DatabaseServiceProvider::class,
            Illuminate\Encryption\EncryptionServiceProvider::class, Illuminate\Filesystem\FilesystemServiceProvider::class,
            Illuminate\Foundation\Providers\FoundationServiceProvider::class, Illuminate\Hashing\HashServiceProvider::class,
            Illuminate\Session\SessionServiceProvider::class, Illuminate\View\ViewServiceProvider::class,
        ],
    ],
    'auth' => [
        'defaults' => ['guard' => 'web'],
        'guards' => ['web' => ['driver' => 'session', 'provider' => 'users']],
        'providers' => ['users' => ['driver' => 'database', 'table' => 'users']],
    ],
    'database' => [
        'default' => 'sqlite',
        'connections' => ['sqlite' => ['driver' => 'sqlite', 'database' => "$folder/site.sqlite", 'prefix' => '', 'options' => [PDO::ATTR_TIMEOUT => 5]]],
    ],
    'hashing' => ['driver' => 'bcrypt'],
    'livechat' => require "$folder/config/livechat.php",
    'logging' => ['default' => 'errorlog', 'channels' => ['errorlog' => ['driver' => 'errorlog']]],
    'session' => [
        'driver' => 'file', 'files' => "$folder/storage/sessions", 'lifetime' => 60, 'expire_on_close' => false, 'lottery' => [0, 1],
        'cookie' => 'site', 'path' => '/', 'domain' => null, 'secure' => false, 'http_only' => true, 'same_site' => 'lax', 'connection' => null,
    ],
    'view' => ['paths' => [], 'compiled' => "$folder/storage/views"],
]));

$kernel = $site->make(HttpKernel::class);
$kernel->bootstrap();

if (PHP_SAPI === 'cli') {
    Schema::create('users', function (Blueprint $table) {
        $table->id();
        $table->string('name')->unique();
    });
    foreach (glob("$folder/database/migrations/*.php") as $migration) {
        (require $migration)->up();
    }
    $socket = stream_socket_server('tcp://127.0.0.1:0');
    $address = stream_socket_get_name($socket, false);
    fclose($socket);
    // Its workers outlive it, so all end as a group.
    posix_setpgid(0, 0);
    pcntl_async_signals(true);
    pcntl_signal(SIGTERM, fn () => posix_kill(0, SIGKILL));
    $environment = ['SITE_KEY' => bin2hex(random_bytes(16)), 'PHP_CLI_SERVER_WORKERS' => '8'] + getenv();
    // It says on standard error where it listens.
    $server = proc_open([PHP_BINARY, '-S', $address, __FILE__], [1 => STDOUT, 2 => STDOUT], $pipes, null, $environment);
    while (proc_get_status($server)['running']) {
        sleep(1); // A signal ends it.
    }
    exit(1);
}

Route::middleware('web')->group(function () use ($folder) {
    require "$folder/routes/web.php";
    // Signs in who is named, and answers with what a page has for its own requests.
    Route::get('/page', function (Request $request) {
        if ($request->has('as')) {
            DB::table('users')->insertOrIgnore(['name' => $request->get('as')]);
            Auth::loginUsingId(DB::table('users')->where('name', $request->get('as'))->value('id'));
        }
        return ['header' => 'X-CSRF-Token', 'token' => csrf_token()];
    });
});
$response = $kernel->handle($request = Request::capture());
$response->send();
$kernel->terminate($request, $response);

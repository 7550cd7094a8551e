<?php
// A site in plain PHP with its ordinary sessions. It sends who is not signed in to its sign-in page.
session_start();
header('Content-Type: application/json');
switch (parse_url($_SERVER['REQUEST_URI'], PHP_URL_PATH)) {
    case '/sign-in':
        session_regenerate_id(true);
        $_SESSION['user_id'] = (int) $_GET['as'];
        echo '{}';
        break;
    case '/sign-out':
        session_destroy();
        echo '{}';
        break;
    case '/me':
        if (!isset($_SESSION['user_id'])) {
            header('Location: /sign-in-page', true, 302);
            break;
        }
        echo json_encode(['id' => $_SESSION['user_id']]);
        break;
    default:
        http_response_code(404);
}
